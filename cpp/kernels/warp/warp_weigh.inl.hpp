// SPDX-License-Identifier: Apache-2.0
// Weights of the taps of a run, per axis. Included inside a level's namespace by warp_simd.inl.hpp.

template <int Order, bool Slopes, class C>
void weigh_spline(const C* VOXKERN_RESTRICT fraction, C (*VOXKERN_RESTRICT weights)[kRun]) {
    for (int l = 0; l < kRun; ++l) {
        C w[kMaxTaps];
        if constexpr (Slopes) {
            spline_slopes_at<C>(fraction[l], Order, w);
        } else {
            spline_weights_at<C>(fraction[l], Order, w);
        }
        for (int k = 0; k <= Order; ++k) weights[k][l] = w[k];
    }
}

template <class C>
void weigh_cubic(const C* VOXKERN_RESTRICT fraction, C (*VOXKERN_RESTRICT weights)[kRun]) {
    for (int l = 0; l < kRun; ++l) {
        C w[4];
        cubic_weights<C>(fraction[l], w);
        for (int k = 0; k < 4; ++k) weights[k][l] = w[k];
    }
}

template <class C>
void weigh_sinc(const Interpolator& kernel, const C* fraction, C (*weights)[kRun]) {
    for (int l = 0; l < kRun; ++l) {
        double w[kMaxInterpolatorTaps];
        sinc_weights(static_cast<double>(fraction[l]), kernel, w);
        for (int k = 0; k < kernel.taps(); ++k) weights[k][l] = static_cast<C>(w[k]);
    }
}

template <class C>
void weigh_axis(const Source& source, int a, const C* fraction, C (*weights)[kRun]) {
    if (source.kernel.window == SincWindow::cubic) return weigh_cubic(fraction, weights);
    if (source.kernel.radius > 0) return weigh_sinc(source.kernel, fraction, weights);
    with_spline_taps(source.kernel.taps(), [&](auto taps) {
        constexpr int order = taps.value - 1;
        if constexpr (order > 0) {
            if (a == source.slope_axis) return weigh_spline<order, true>(fraction, weights);
        }
        weigh_spline<order, false>(fraction, weights);
    });
}

template <class C>
void weigh_run(const Source& source, RunState<C>& state) {
    for (int a = 0; a < source.axes; ++a) weigh_axis(source, a, state.fraction[a], state.weights[a]);
}
