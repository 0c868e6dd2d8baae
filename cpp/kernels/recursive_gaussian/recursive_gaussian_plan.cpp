// SPDX-License-Identifier: Apache-2.0
#include "kernels/recursive_gaussian/recursive_gaussian_plan.hpp"

#include <cmath>
#include <complex>

namespace voxkern::recursive_gaussian {
namespace {

using Complex = std::complex<double>;

// exp(-x^2 / 2) for x >= 0 is the real part of weight exp(rate x), two of them, to 2.1e-4: fitted to the smallest
// largest error. Each row: weight, rate.
constexpr double kFit[2][4] = {{1.6618375664551575, -3.469034070434552, -1.7490599386160077, 0.6288509544931757},
                               {-0.6620453773647632, 0.1902187287138425, -1.682782321326226, 1.9907388630730807}};
constexpr double kSlowestRate = 1.682782321326226;

}  // namespace

bool computes_in_f32(DType in, DType out) {
    return out == DType::f32 && exact_in_f32(in);
}

bool is_settled(Boundary mode) {
    return mode == Boundary::nearest || mode == Boundary::constant;
}

template <class C>
std::int64_t run_in_of(double sigma) {
    constexpr double kPrecision = sizeof(C) == 4 ? 1e-8 : 1e-17;
    return static_cast<std::int64_t>(std::ceil(-std::log(kPrecision) * sigma / kSlowestRate)) + 1;
}

template <class C>
void make_poles(double sigma, Pole<C> (&poles)[2]) {
    Complex pole[2];
    Complex weight[2];
    double sum = 0.0;
    for (int k = 0; k < 2; ++k) {
        pole[k] = std::exp(Complex{kFit[k][2], kFit[k][3]} / sigma);
        weight[k] = {kFit[k][0], kFit[k][1]};
        sum += (weight[k] * (1.0 + pole[k]) / (1.0 - pole[k])).real();
    }
    for (int k = 0; k < 2; ++k) {
        const Complex settled = 1.0 / (1.0 - pole[k]);
        weight[k] /= sum;  // a constant stays what it is
        poles[k] = {static_cast<C>(pole[k].real()),   static_cast<C>(pole[k].imag()), static_cast<C>(weight[k].real()),
                    static_cast<C>(weight[k].imag()), static_cast<C>(settled.real()), static_cast<C>(settled.imag())};
    }
}

template std::int64_t run_in_of<float>(double sigma);
template std::int64_t run_in_of<double>(double sigma);
template void make_poles<float>(double sigma, Pole<float> (&poles)[2]);
template void make_poles<double>(double sigma, Pole<double> (&poles)[2]);

}  // namespace voxkern::recursive_gaussian
