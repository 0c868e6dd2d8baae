// SPDX-License-Identifier: Apache-2.0
// Maths that is written for vectors (core/simd), for one sample on the GPU: included in the unnamed namespace of a .cu
// file, ahead of it.

template <class C>
using Vec = C;

template <class C>
VOXKERN_HD inline C splat(C x) {
    return x;
}
VOXKERN_HD inline float madd(float a, float b, float c) {
    return std::fma(a, b, c);
}
VOXKERN_HD inline double madd(double a, double b, double c) {
    return std::fma(a, b, c);
}
