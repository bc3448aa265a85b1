// One full-batch step of a 2-WIDTH-WIDTH-1 ReLU network after another, as a C programmer writes it.
//
// Hinge loss over the rows, and a penalty of l2 times the sum of the squared parameters.

// WIDTH is given by the compiler's command.
enum { INPUTS = 2 };

struct parameters {
    double weight1[WIDTH][INPUTS];
    double bias1[WIDTH];
    double weight2[WIDTH][WIDTH];
    double bias2[WIDTH];
    double weight3[WIDTH];
    double bias3;
};

static double relu(double z) { return z > 0.0 ? z : 0.0; }

void run(long steps, long rows, const double x[][INPUTS], const double *y, double learning_rate,
         double l2, struct parameters *p, double *losses) {
    const long count = sizeof(struct parameters) / sizeof(double);
    for (long step = 0; step < steps; step++) {
        struct parameters gradient = {0};
        double loss = 0.0;
        for (long row = 0; row < rows; row++) {
            double hidden1[WIDTH], hidden2[WIDTH], dhidden1[WIDTH] = {0};
            for (int i = 0; i < WIDTH; i++) {
                double sum = p->bias1[i];
                for (int j = 0; j < INPUTS; j++) sum += p->weight1[i][j] * x[row][j];
                hidden1[i] = relu(sum);
            }
            double score = p->bias3;
            for (int i = 0; i < WIDTH; i++) {
                double sum = p->bias2[i];
                for (int j = 0; j < WIDTH; j++) sum += p->weight2[i][j] * hidden1[j];
                hidden2[i] = relu(sum);
                score += p->weight3[i] * hidden2[i];
            }
            double margin = 1.0 - y[row] * score;
            loss += relu(margin) / rows;

            double dscore = margin > 0.0 ? -y[row] / rows : 0.0;
            gradient.bias3 += dscore;
            for (int i = 0; i < WIDTH; i++) {
                gradient.weight3[i] += dscore * hidden2[i];
                double dsum = hidden2[i] > 0.0 ? dscore * p->weight3[i] : 0.0;
                gradient.bias2[i] += dsum;
                for (int j = 0; j < WIDTH; j++) {
                    gradient.weight2[i][j] += dsum * hidden1[j];
                    dhidden1[j] += dsum * p->weight2[i][j];
                }
            }
            for (int i = 0; i < WIDTH; i++) {
                double dsum = hidden1[i] > 0.0 ? dhidden1[i] : 0.0;
                gradient.bias1[i] += dsum;
                for (int j = 0; j < INPUTS; j++) gradient.weight1[i][j] += dsum * x[row][j];
            }
        }
        double *parameter = (double *)p;
        const double *slope = (const double *)&gradient;
        double penalty = 0.0;
        for (long k = 0; k < count; k++) {
            penalty += parameter[k] * parameter[k];
            parameter[k] -= learning_rate * (slope[k] + 2.0 * l2 * parameter[k]);
        }
        losses[step] = loss + l2 * penalty;
    }
}
