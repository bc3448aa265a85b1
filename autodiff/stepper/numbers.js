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

function fixed(number, places) {
  return Number.isFinite(number) ? number.toFixed(places).replace("-", "−") : shown(number);
}

function counted(number) {
  return String(number).replace(/\B(?=(\d{3})+$)/g, ",");
}

// Text that Python and JSON read back as exactly this number.
function exactly(number) {
  return Object.is(number, -0) ? "-0.0" : String(number);
}

// What a person typed as a finite number; null for anything else.
function numberFrom(text) {
  const cleaned = String(text).trim().replaceAll("−", "-");
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(cleaned)) return null;
  const number = Number(cleaned);
  return Number.isFinite(number) ? number : null;
}
