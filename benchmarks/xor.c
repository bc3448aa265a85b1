// One epoch of the XOR lab after another, as a C programmer writes it: arrays and loops.
//
// parameters: hidden weights 4 x 2, hidden biases 4, output weights 4, output bias 1.

#include <math.h>

enum { ROWS = 4, INPUTS = 2, HIDDEN = 4 };

struct parameters {
    double hidden_weight[HIDDEN][INPUTS];
    double hidden_bias[HIDDEN];
    double output_weight[HIDDEN];
    double output_bias;
};

static double sigmoid(double z) { return 1.0 / (1.0 + exp(-z)); }

void run(long epochs, const double x[ROWS][INPUTS], const double y[ROWS], double learning_rate,
         struct parameters *p, double *losses) {
    for (long epoch = 0; epoch < epochs; epoch++) {
        struct parameters gradient = {0};
        double loss = 0.0;
        for (int row = 0; row < ROWS; row++) {
            double hidden[HIDDEN];
            double z = p->output_bias;
            for (int i = 0; i < HIDDEN; i++) {
                double sum = p->hidden_bias[i];
                for (int j = 0; j < INPUTS; j++) sum += p->hidden_weight[i][j] * x[row][j];
                hidden[i] = sigmoid(sum);
                z += p->output_weight[i] * hidden[i];
            }
            double prediction = sigmoid(z);
            double error = prediction - y[row];
            loss += error * error / ROWS;

            double dz = 2.0 * error / ROWS * prediction * (1.0 - prediction);
            gradient.output_bias += dz;
            for (int i = 0; i < HIDDEN; i++) {
                gradient.output_weight[i] += dz * hidden[i];
                double dsum = dz * p->output_weight[i] * hidden[i] * (1.0 - hidden[i]);
                gradient.hidden_bias[i] += dsum;
                for (int j = 0; j < INPUTS; j++) gradient.hidden_weight[i][j] += dsum * x[row][j];
            }
        }
        for (int i = 0; i < HIDDEN; i++) {
            for (int j = 0; j < INPUTS; j++)
                p->hidden_weight[i][j] -= learning_rate * gradient.hidden_weight[i][j];
            p->hidden_bias[i] -= learning_rate * gradient.hidden_bias[i];
            p->output_weight[i] -= learning_rate * gradient.output_weight[i];
        }
        p->output_bias -= learning_rate * gradient.output_bias;
        losses[epoch] = loss;
    }
}
