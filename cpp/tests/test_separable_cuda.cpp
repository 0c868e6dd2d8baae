// SPDX-License-Identifier: Apache-2.0
// The kernel against the CPU's: the same sums and the same maths, equal to the bit where the level has FMA.
#include <cmath>
#include <vector>

#include "core/cpu.hpp"
#include "cuda_executor/support.hpp"
#include "kernels/separable/separable.hpp"

using namespace voxkern;
using namespace executor_test;
using voxkern::correlate1d::AxisFilter;
using voxkern::separable::Combine;
using voxkern::separable::Options;
using voxkern::separable::Term;

namespace {

const std::vector<double> kSmooth = {0.25, 0.5, 0.25};
const std::vector<double> kSlope = {-0.5, 0.0, 0.5};
const std::vector<double> kCurve = {1.0, -2.0, 1.0};

AxisFilter along(int axis, const std::vector<double>& weights) {
    return {axis, weights, Boundary::mirror, 0.0};
}

std::vector<Term> hessian() {
    std::vector<Term> terms;
    for (int a = 0; a < 3; ++a) {
        for (int b = a; b < 3; ++b) {
            Term term;
            for (int c = 0; c < 3; ++c) {
                const int order = (a == c ? 1 : 0) + (b == c ? 1 : 0);
                term.push_back(along(c, order == 0 ? kSmooth : (order == 1 ? kSlope : kCurve)));
            }
            terms.push_back(term);
        }
    }
    return terms;
}

// `scratch_bytes`: few make one slab of each plane.
void expect_cpu(const std::vector<Term>& terms, const Options& options, std::int64_t scratch_bytes) {
    const std::int64_t shape[] = {4, 3, 5};
    const std::int64_t results[] = {4, 3, 5, options.combine == Combine::eigenvalues ? 3 : 1};
    const std::vector<float> x = noise(60);
    std::vector<float> want(static_cast<std::size_t>(60 * results[3]));
    const View<const float, 3> in = contiguous_view<const float, 3>(x.data(), shape);
    Options host = options;
    if (options.gamma == 0.0) {
        host.combine = Combine::norm;
        const double norm = cpu::separable(erase_type(in), erase_type(contiguous_view<float, 4>(want.data(), results)),
                                           terms, host, {});
        host = options;
        host.gamma = norm / 2.0;
    }
    cpu::separable(erase_type(in), erase_type(contiguous_view<float, 4>(want.data(), results)), terms, host, {});
    const bool has_fma = active_level() == CpuLevel::v3 || active_level() == CpuLevel::v4;
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const cuda::Scratch<float> out(want.size(), exec);
        cuda::separable(as_const(erase_type(contiguous_view<float, 3>(device.data(), shape))),
                        erase_type(contiguous_view<float, 4>(out.data(), results)), terms, options, exec,
                        scratch_bytes);
        const std::vector<float> got = download(out, exec.stream);
        for (std::size_t i = 0; i < want.size(); ++i) EXPECT_NEAR(got[i], want[i], has_fma ? 0.0F : 1e-4F);
    });
}

}  // namespace

TEST(separable_cuda, combinations) {
    const std::vector<Term> laplace = {{along(0, kCurve)}, {along(1, kCurve)}, {along(2, kCurve)}};
    for (const std::int64_t scratch : {std::int64_t{1}, std::int64_t{1} << 20}) {
        expect_cpu(laplace, {Combine::sum}, scratch);
        if (kTsan && scratch > 1) continue;
        expect_cpu(laplace, {Combine::magnitude}, scratch);
        expect_cpu(hessian(), {Combine::eigenvalues}, scratch);
        Options frangi = {Combine::vesselness};
        frangi.gamma = 0.0;
        expect_cpu(hessian(), frangi, scratch);
    }
}

TEST(separable_cuda, no_vesselness_where_norms_are_not_finite) {
    const std::int64_t shape[] = {4, 3, 5};
    const std::int64_t results[] = {4, 3, 5, 1};
    for (const float bad : {NAN, HUGE_VALF}) {
        std::vector<float> x = noise(60);
        x[0] = bad;
        std::vector<float> want(60);
        Options frangi = {Combine::vesselness};
        frangi.gamma = NAN;
        cpu::separable(erase_type(contiguous_view<const float, 3>(x.data(), shape)),
                       erase_type(contiguous_view<float, 4>(want.data(), results)), hessian(), frangi, {});
        for (const float v : want) EXPECT(std::isnan(v));
        if (kTsan) continue;  // the kernels of the first test
        in_every_order([&](const cuda::Exec& exec) {
            const auto device = cuda::upload(x, exec);
            const auto out = cuda::upload(std::vector<float>(60, 0.5F), exec);
            for (const bool keep : {true, false}) {
                frangi.gamma = 0.0;
                frangi.keep_larger = keep;
                cuda::separable(as_const(erase_type(contiguous_view<float, 3>(device.data(), shape))),
                                erase_type(contiguous_view<float, 4>(out.data(), results)), hessian(), frangi, exec);
                for (const float v : download(out, exec.stream)) EXPECT(std::isnan(v));
            }
        });
    }
}

TEST(separable_cuda, integers_term_by_term) {
    const std::int64_t shape[] = {4, 3, 5};
    const std::int64_t results[] = {4, 3, 5, 1};
    std::vector<std::int16_t> x;
    for (const float value : noise(60)) x.push_back(static_cast<std::int16_t>(value * 100.0F));
    const std::vector<Term> terms = {{along(0, kCurve)}, {along(1, kSlope)}};
    std::vector<std::int16_t> first(60), second(60);
    const View<const std::int16_t, 3> in = contiguous_view<const std::int16_t, 3>(x.data(), shape);
    cpu::correlate1d(erase_type(in), erase_type(contiguous_view<std::int16_t, 3>(first.data(), shape)), terms[0], {});
    cpu::correlate1d(erase_type(in), erase_type(contiguous_view<std::int16_t, 3>(second.data(), shape)), terms[1], {});
    in_every_order([&](const cuda::Exec& exec) {
        const auto device = cuda::upload(x, exec);
        const cuda::Scratch<std::int16_t> out(60, exec);
        cuda::separable(as_const(erase_type(contiguous_view<std::int16_t, 3>(device.data(), shape))),
                        erase_type(contiguous_view<std::int16_t, 4>(out.data(), results)), terms, {Combine::sum}, exec);
        const std::vector<std::int16_t> got = download(out, exec.stream);
        for (std::size_t i = 0; i < 60; ++i) EXPECT(got[i] == static_cast<std::int16_t>(first[i] + second[i]));
    });
}
