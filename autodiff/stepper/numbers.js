// ---- numbers as text ------------------------------------------------------------------------

// Python's f"{number:.{digits}g}", ties to even included.
function general(number, digits) {
  if (Number.isNaN(number)) return "nan";
  if (!Number.isFinite(number)) return number > 0 ? "inf" : "-inf";
  if (number === 0) return Object.is(number, -0) ? "-0" : "0";
  const [mantissa, power] = roundedExponential(Math.abs(number), digits);
  const exponent = Number(power);
  const sign = number < 0 ? "-" : "";
  if (exponent < -4 || exponent >= digits) {
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${withoutTrailingZeros(mantissa)}e${exponent < 0 ? "-" : "+"}${size}`;
  }
  const figures = mantissa.replace(".", "");
  if (exponent < 0) return `${sign}${withoutTrailingZeros(`0.${"0".repeat(-exponent - 1)}${figures}`)}`;
  const whole = figures.slice(0, exponent + 1);
  return `${sign}${withoutTrailingZeros(`${whole}.${figures.slice(exponent + 1)}`)}`;
}

function roundedExponential(number, digits) {
  const exact = number.toExponential(60).split("e");
  const figures = exact[0].replace(".", "");
  const tie = /^50*$/.test(figures.slice(digits)) && Number(figures[digits - 1]) % 2 === 0;
  if (!tie) return number.toExponential(digits - 1).split("e");
  const kept = figures.slice(0, digits);
  return [digits > 1 ? `${kept[0]}.${kept.slice(1)}` : kept, exact[1]];
}

function withoutTrailingZeros(text) {
  return text.includes(".") ? text.replace(/0+$/, "").replace(/\.$/, "") : text;
}

// As autodiff.draw shows numbers: a minus sign as wide as a plus, and none for a zero.
function shown(number, digits = 4) {
  return number === 0 ? "0" : general(number, digits).replaceAll("-", "−");
}

function signed(number, digits = 4) {
  if (number === 0) return "0";
  const text = shown(number, digits);
  return number > 0 ? `+${text}` : text;
}

// A number in the middle of a formula.
function operand(number, digits = 4) {
  const text = shown(number, digits);
  return text.startsWith("−") ? `(${text})` : text;
}

// With so many places; a number that would be 0 with them has its own digits.
function fixed(number, places) {
  const text = number.toFixed(places);
  return !Number.isFinite(number) || (Number(text) === 0 && number !== 0) ? shown(number, 2) : text.replace("-", "−");
}

function counted(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

// Text that Python and JSON read back as exactly this number.
function exactly(number) {
  return Object.is(number, -0) ? "-0.0" : String(number);
}

// What a person typed as a finite number, with a decimal comma too; null for anything else, also for
// "1,000", which is one number to some and another to others.
function numberFrom(text) {
  const typed = String(text).trim().replaceAll("−", "-");
  if (/^[+-]?[1-9]\d{0,2}(,\d{3})+$/.test(typed)) return null;
  const cleaned = typed.replace(/^([^.,]*),([^.,]*)$/, "$1.$2");
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(cleaned)) return null;
  const number = Number(cleaned);
  return Number.isFinite(number) ? number : null;
}
