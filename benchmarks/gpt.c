// One training step after another of the GPT of gpt.py on one document, by hand: forward, backward
// and Adam, in single precision, with every size known to the compiler.
#include <math.h>
#include <string.h>

enum { WIDTH = 16, HEADS = 4, PART = WIDTH / HEADS, CONTEXT = 16, ALPHABET = 27, WIDE = 4 * WIDTH };

typedef struct {
    float token[ALPHABET][WIDTH], position[CONTEXT][WIDTH];
    float query[WIDTH][WIDTH], key[WIDTH][WIDTH], value[WIDTH][WIDTH], output[WIDTH][WIDTH];
    float wide[WIDE][WIDTH], narrow[WIDTH][WIDE], logits[ALPHABET][WIDTH];
} Weights;

enum { COUNT = sizeof(Weights) / sizeof(float) };

// y = matrix x
static inline void linear(int outs, int ins, const float *matrix, const float *x, float *y) {
    for (int i = 0; i < outs; i++) {
        float sum = 0;
        for (int j = 0; j < ins; j++) sum += matrix[i * ins + j] * x[j];
        y[i] = sum;
    }
}

// Adds to the gradients of the matrix and of x.
static inline void linear_back(int outs, int ins, const float *matrix, const float *x,
                               const float *dy, float *d_matrix, float *dx) {
    for (int i = 0; i < outs; i++)
        for (int j = 0; j < ins; j++) {
            d_matrix[i * ins + j] += dy[i] * x[j];
            dx[j] += dy[i] * matrix[i * ins + j];
        }
}

// y = x with a mean square of 1; returns the factor.
static inline float norm(const float *x, float *y) {
    float square = 0;
    for (int j = 0; j < WIDTH; j++) square += x[j] * x[j];
    float scale = 1 / sqrtf(square / WIDTH + 1e-5f);
    for (int j = 0; j < WIDTH; j++) y[j] = x[j] * scale;
    return scale;
}

static inline void norm_back(const float *x, float scale, const float *dy, float *dx) {
    float along = 0;
    for (int j = 0; j < WIDTH; j++) along += dy[j] * x[j];
    along *= scale * scale * scale / WIDTH;
    for (int j = 0; j < WIDTH; j++) dx[j] += scale * dy[j] - along * x[j];
}

typedef struct {
    float x0[WIDTH], x1[WIDTH], x2[WIDTH], query[WIDTH], key[WIDTH], value[WIDTH];
    float attention[HEADS][CONTEXT], attended[WIDTH], x3[WIDTH], x4[WIDTH], before[WIDE], wide[WIDE];
    float x5[WIDTH], share[ALPHABET], scale0, scale1, scale3;
} Place;

static float step(int count, const int *tokens, const Weights *w, Weights *d) {
    static Place places[CONTEXT];
    float loss = 0;
    for (int t = 0; t < count; t++) {
        Place *p = &places[t];
        for (int j = 0; j < WIDTH; j++) p->x0[j] = w->token[tokens[t]][j] + w->position[t][j];
        p->scale0 = norm(p->x0, p->x1);
        p->scale1 = norm(p->x1, p->x2);
        linear(WIDTH, WIDTH, w->query[0], p->x2, p->query);
        linear(WIDTH, WIDTH, w->key[0], p->x2, p->key);
        linear(WIDTH, WIDTH, w->value[0], p->x2, p->value);
        for (int h = 0; h < HEADS; h++) {
            float total = 0, *a = p->attention[h];
            for (int s = 0; s <= t; s++) {
                float score = 0;
                for (int j = h * PART; j < (h + 1) * PART; j++) score += p->query[j] * places[s].key[j];
                total += a[s] = expf(score / 2);
            }
            for (int s = 0; s <= t; s++) a[s] /= total;
            for (int j = h * PART; j < (h + 1) * PART; j++) {
                float sum = 0;
                for (int s = 0; s <= t; s++) sum += a[s] * places[s].value[j];
                p->attended[j] = sum;
            }
        }
        linear(WIDTH, WIDTH, w->output[0], p->attended, p->x3);
        for (int j = 0; j < WIDTH; j++) p->x3[j] += p->x1[j];
        p->scale3 = norm(p->x3, p->x4);
        linear(WIDE, WIDTH, w->wide[0], p->x4, p->before);
        for (int j = 0; j < WIDE; j++) p->wide[j] = p->before[j] > 0 ? p->before[j] : 0;
        linear(WIDTH, WIDE, w->narrow[0], p->wide, p->x5);
        for (int j = 0; j < WIDTH; j++) p->x5[j] += p->x3[j];
        linear(ALPHABET, WIDTH, w->logits[0], p->x5, p->share);
        float total = 0;
        for (int k = 0; k < ALPHABET; k++) total += p->share[k] = expf(p->share[k]);
        for (int k = 0; k < ALPHABET; k++) p->share[k] /= total;
        loss -= logf(p->share[tokens[t + 1]]);
    }
    static float d_key[CONTEXT][WIDTH], d_value[CONTEXT][WIDTH];
    memset(d_key, 0, sizeof d_key);
    memset(d_value, 0, sizeof d_value);
    for (int t = count - 1; t >= 0; t--) {
        Place *p = &places[t];
        float d_logits[ALPHABET], d5[WIDTH] = {0}, d_wide[WIDE] = {0}, d4[WIDTH] = {0};
        for (int k = 0; k < ALPHABET; k++) d_logits[k] = (p->share[k] - (k == tokens[t + 1])) / count;
        linear_back(ALPHABET, WIDTH, w->logits[0], p->x5, d_logits, d->logits[0], d5);
        linear_back(WIDTH, WIDE, w->narrow[0], p->wide, d5, d->narrow[0], d_wide);
        for (int j = 0; j < WIDE; j++) d_wide[j] = p->before[j] > 0 ? d_wide[j] : 0;
        linear_back(WIDE, WIDTH, w->wide[0], p->x4, d_wide, d->wide[0], d4);
        norm_back(p->x3, p->scale3, d4, d5);
        float d_attended[WIDTH] = {0}, d_query[WIDTH] = {0}, d2[WIDTH] = {0}, d0[WIDTH] = {0};
        linear_back(WIDTH, WIDTH, w->output[0], p->attended, d5, d->output[0], d_attended);
        for (int h = 0; h < HEADS; h++) {
            float d_share[CONTEXT], mean = 0, *a = p->attention[h];
            for (int s = 0; s <= t; s++) {
                d_share[s] = 0;
                for (int j = h * PART; j < (h + 1) * PART; j++) {
                    d_share[s] += d_attended[j] * places[s].value[j];
                    d_value[s][j] += a[s] * d_attended[j];
                }
                mean += a[s] * d_share[s];
            }
            for (int s = 0; s <= t; s++) {
                float d_score = a[s] * (d_share[s] - mean) / 2;
                for (int j = h * PART; j < (h + 1) * PART; j++) {
                    d_query[j] += d_score * places[s].key[j];
                    d_key[s][j] += d_score * p->query[j];
                }
            }
        }
        // Later places have given all that the key and the value of this one get.
        linear_back(WIDTH, WIDTH, w->query[0], p->x2, d_query, d->query[0], d2);
        linear_back(WIDTH, WIDTH, w->key[0], p->x2, d_key[t], d->key[0], d2);
        linear_back(WIDTH, WIDTH, w->value[0], p->x2, d_value[t], d->value[0], d2);
        norm_back(p->x1, p->scale1, d2, d5);
        norm_back(p->x0, p->scale0, d5, d0);
        for (int j = 0; j < WIDTH; j++) {
            d->token[tokens[t]][j] += d0[j];
            d->position[t][j] += d0[j];
        }
    }
    return loss / count;
}

// ``done`` counts the steps before: Adam remembers them.
void run(long done, long steps, long count, const int *tokens, float *weights, double *losses) {
    static Weights gradient;
    static float mean[COUNT], square[COUNT];
    if (done == 0) {
        memset(mean, 0, sizeof mean);
        memset(square, 0, sizeof square);
    }
    for (long n = 0; n < steps; n++) {
        memset(&gradient, 0, sizeof gradient);
        losses[n] = step((int)count, tokens, (Weights *)weights, &gradient);
        const float *g = gradient.token[0];
        float size = 0.001f / (1 - powf(0.9f, done + n + 1));
        float scale = 1 / sqrtf(1 - powf(0.999f, done + n + 1));
        for (int k = 0; k < COUNT; k++) {
            mean[k] += 0.1f * (g[k] - mean[k]);
            square[k] = 0.999f * square[k] + 0.001f * g[k] * g[k];
            weights[k] -= size * mean[k] / (sqrtf(square[k]) * scale + 1e-8f);
        }
    }
}
