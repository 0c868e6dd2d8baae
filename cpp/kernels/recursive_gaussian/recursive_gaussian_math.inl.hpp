// SPDX-License-Identifier: Apache-2.0
// One step of the recursions: of a vector of lines inside a level's namespace, of one line on the GPU. Where it is
// included, Vec<C> is the type of samples, and splat and madd are known.

// The state of a pole's recursion in so many lanes.
template <class C>
struct State {
    Vec<C> re;
    Vec<C> im;
};

template <class C>
VOXKERN_HD inline State<C> times(Vec<C> re, Vec<C> im, C by_re, C by_im) {
    return {madd(re, splat(by_re), im * splat(-by_im)), madd(re, splat(by_im), im * splat(by_re))};
}

// What the poles make of their states, added to `sum`.
template <class C>
VOXKERN_HD inline Vec<C> weighed(const Pole<C>* poles, const State<C>* states, Vec<C> sum) {
    for (int k = 0; k < 2; ++k) {
        sum = madd(states[k].re, splat(poles[k].weight_re), sum);
        sum = madd(states[k].im, splat(-poles[k].weight_im), sum);
    }
    return sum;
}
