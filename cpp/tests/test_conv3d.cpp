// SPDX-License-Identifier: Apache-2.0
#include "kernels/conv3d/conv3d.hpp"

#include <chrono>
#include <cmath>
#include <cstdint>
#include <vector>

#include "core/cpu.hpp"
#include "expect.hpp"
#include "kernels/conv3d/conv3d_plan.hpp"

#if defined(__linux__)
#include <sys/mman.h>
#include <unistd.h>
#endif

using namespace voxkern;
using voxkern::conv3d::Algorithm;
using voxkern::conv3d::Filter;
using voxkern::conv3d::Options;

namespace {

float pseudo(std::size_t i) {
    return static_cast<float>(i * 7919 % 1009) / 1009.0F - 0.5F;
}

// Floats that end at a page nobody may touch, and begin behind one.
class Fenced {
  public:
    explicit Fenced(std::int64_t count) : count_(count) {
#if defined(__linux__)
        const std::int64_t page = sysconf(_SC_PAGESIZE);
        const std::int64_t bytes = (4 * count + page - 1) / page * page;
        mapped_ = static_cast<std::size_t>(bytes + page);
        block_ = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        EXPECT(mprotect(static_cast<char*>(block_) + bytes, static_cast<std::size_t>(page), PROT_NONE) == 0);
        data_ = static_cast<float*>(block_) + bytes / 4 - count;
#else
        plain_.resize(static_cast<std::size_t>(count));
        data_ = plain_.data();
#endif
        for (std::int64_t i = 0; i < count; ++i) data_[i] = pseudo(static_cast<std::size_t>(i));
    }
    ~Fenced() {
#if defined(__linux__)
        munmap(block_, mapped_);
#endif
    }
    Fenced(const Fenced&) = delete;
    Fenced& operator=(const Fenced&) = delete;

    float* data() const { return data_; }
    std::int64_t count() const { return count_; }

  private:
    std::int64_t count_;
    float* data_ = nullptr;
#if defined(__linux__)
    void* block_ = nullptr;
    std::size_t mapped_ = 0;
#else
    std::vector<float> plain_;
#endif
};

std::int64_t out_size(std::int64_t in, std::int64_t k, const Options& options, std::size_t axis) {
    return (in + 2 * options.padding[axis] - options.dilation[axis] * (k - 1) - 1) / options.stride[axis] + 1;
}

// The sum of one result, in double.
double exact(const View<float, 5>& in, const View<float, 5>& w, const Options& o, std::int64_t channel,
             const std::int64_t (&at)[3]) {
    double sum = 0.0;
    for (std::int64_t c = 0; c < w.shape[1]; ++c) {
        for (std::int64_t z = 0; z < w.shape[2]; ++z) {
            for (std::int64_t y = 0; y < w.shape[3]; ++y) {
                for (std::int64_t x = 0; x < w.shape[4]; ++x) {
                    const std::int64_t p = o.stride[0] * at[0] - o.padding[0] + o.dilation[0] * z;
                    const std::int64_t q = o.stride[1] * at[1] - o.padding[1] + o.dilation[1] * y;
                    const std::int64_t r = o.stride[2] * at[2] - o.padding[2] + o.dilation[2] * x;
                    const bool inside =
                        p >= 0 && p < in.shape[2] && q >= 0 && q < in.shape[3] && r >= 0 && r < in.shape[4];
                    if (inside)
                        sum += static_cast<double>(in(0, c, p, q, r)) * static_cast<double>(w(channel, c, z, y, x));
                }
            }
        }
    }
    return sum;
}

void check(std::int64_t width, std::int64_t ins, std::int64_t outs, std::int64_t k, const Options& options) {
    const std::int64_t in_shape[] = {1, ins, 5, 6, width};
    const Fenced input(ins * 5 * 6 * width);
    const Fenced weight(outs * ins * k * k * k);
    const View<float, 5> in = contiguous_view<float, 5>(input.data(), {1, ins, 5, 6, width});
    const View<float, 5> w = contiguous_view<float, 5>(weight.data(), {outs, ins, k, k, k});
    std::int64_t size[3];
    for (std::size_t a = 0; a < 3; ++a) size[a] = out_size(in_shape[a + 2], k, options, a);
    const Fenced output(outs * size[0] * size[1] * size[2]);
    const View<float, 5> out = contiguous_view<float, 5>(output.data(), {1, outs, size[0], size[1], size[2]});
    for (const CpuLevel level : usable_levels()) {
        set_active_level(to_string(level));
        for (std::int64_t i = 0; i < output.count(); ++i) output.data()[i] = 7.0F;
        const Filter filter(as_const(erase_type(w)), {}, options);
        cpu::conv3d(as_const(erase_type(in)), erase_type(out), filter, {}, {});
        for (std::int64_t c = 0; c < outs; ++c) {
            for (std::int64_t z = 0; z < size[0]; ++z) {
                for (std::int64_t y = 0; y < size[1]; ++y) {
                    for (std::int64_t x = 0; x < size[2]; ++x) {
                        EXPECT_NEAR(out(0, c, z, y, x), exact(in, w, options, c, {z, y, x}), 1e-4);
                    }
                }
            }
        }
    }
}

}  // namespace

// Images that end where memory ends, at widths around a vector, by every way there is.
TEST(conv3d, reads_and_writes_nothing_beyond_the_arrays) {
    for (const std::int64_t width : {5, 16, 17, 31, 33}) {
        for (const Algorithm algorithm : {Algorithm::direct, Algorithm::automatic, Algorithm::fast}) {
            Options options;
            options.algorithm = algorithm;
            options.padding = {1, 1, 1};
            check(width, 4, 13, 3, options);
            check(width, 1, 2, 3, options);
        }
        Options strided;
        strided.stride = {2, 1, 2};
        strided.padding = {1, 0, 1};
        check(width, 3, 5, 3, strided);
        Options dilated;
        dilated.dilation = {2, 1, 2};
        dilated.padding = {2, 1, 2};
        check(width, 2, 9, 3, dilated);
        check(width, 20, 4, 1, {});
    }
}

// Each result of an axis is computed by one part, and its taps meet the samples they should.
TEST(conv3d, parts_of_an_axis_cover_it_once) {
    for (std::int64_t stride = 1; stride <= 4; ++stride) {
        for (std::int64_t dilation = 1; dilation <= 6; ++dilation) {
            for (std::int64_t k = 1; k <= 4; ++k) {
                Options options;
                options.stride = {stride, 1, 1};
                options.dilation = {dilation, 1, 1};
                options.padding = {2, 0, 0};
                const std::int64_t in = 23;
                const std::int64_t out = out_size(in, k, options, 0);
                std::vector<int> seen(static_cast<std::size_t>(out), 0);
                for (const conv3d::Axis& part : conv3d::axes_of(options, k, 0, in, out)) {
                    for (std::int64_t m = 0; m < part.out_count; ++m) {
                        const std::int64_t result = part.out_first + part.out_step * m;
                        ++seen[static_cast<std::size_t>(result)];
                        for (std::int64_t j = 0; j < part.taps; ++j) {
                            const std::int64_t l = part.stride * m - part.before + j;
                            const std::int64_t sample = part.in_first + part.in_step * l;
                            EXPECT(sample == stride * result - 2 + dilation * j);
                            EXPECT((l >= 0 && l < part.in_count) == (sample >= 0 && sample < in));
                        }
                    }
                }
                for (const int times : seen) EXPECT(times == 1);
            }
        }
    }
}

// Moments are joined in one order, and a part of an image has the bits of the whole.
TEST(conv3d, moments_and_parts) {
    std::vector<float> x(4 * 8 * 9 * 17);
    std::vector<float> w(16 * 4 * 27);
    for (std::size_t i = 0; i < x.size(); ++i) x[i] = pseudo(i) + 3.0F;
    for (std::size_t i = 0; i < w.size(); ++i) w[i] = pseudo(3 * i);
    std::vector<float> whole(16 * 8 * 9 * 17);
    std::vector<float> parts(whole.size());
    double moments[2][16][3] = {};
    const View<const float, 5> in = contiguous_view<const float, 5>(x.data(), {1, 4, 8, 9, 17});
    const View<float, 5> out = contiguous_view<float, 5>(whole.data(), {1, 16, 8, 9, 17});
    const View<float, 5> to = contiguous_view<float, 5>(parts.data(), {1, 16, 8, 9, 17});
    Options options;
    options.padding = {1, 1, 1};
    const Filter filter(erase_type(contiguous_view<const float, 5>(w.data(), {16, 4, 3, 3, 3})), {}, options);
    for (const int threads : {1, 3}) {
        Exec exec;
        exec.threads = threads;
        conv3d::Extras extras;
        extras.moments = erase_type(contiguous_view<double, 3>(moments[threads / 2][0], {1, 16, 3}));
        cpu::conv3d(erase_type(in), erase_type(out), filter, extras, exec);
    }
    for (std::int64_t c = 0; c < 16; ++c) {
        double mean = 0.0;
        for (std::int64_t i = 0; i < 8 * 9 * 17; ++i) mean += static_cast<double>((&out(0, c, 0, 0, 0))[i]);
        mean /= 8 * 9 * 17;
        EXPECT(std::abs(moments[0][c][1] - mean) < 1e-5);
        for (int i = 0; i < 3; ++i) EXPECT(moments[0][c][i] == moments[1][c][i]);
    }
    for (const std::int64_t start : {0, 4}) {
        View<const float, 5> read = in;
        View<float, 5> write = to;
        read.data += (start == 0 ? 0 : 3) * in.strides[2];
        read.shape[2] = 5;
        write.data += start * to.strides[2];
        write.shape[2] = 4;
        conv3d::Extras extras;
        extras.padding = start == 0 ? 1 : 0;
        cpu::conv3d(erase_type(read), erase_type(write), filter, extras, {});
    }
    EXPECT(whole == parts);
}

// A long call stops between units.
TEST(conv3d, is_cancelled) {
    const std::vector<float> x(32 * 16 * 16 * 64, 1.0F);
    std::vector<float> y(x.size(), 7.0F);
    const std::vector<float> w(32 * 32 * 27, 1.0F);
    const View<const float, 5> in = contiguous_view<const float, 5>(x.data(), {1, 32, 16, 16, 64});
    const View<float, 5> out = contiguous_view<float, 5>(y.data(), {1, 32, 16, 16, 64});
    const View<const float, 5> weight = contiguous_view<const float, 5>(w.data(), {32, 32, 3, 3, 3});
    for (const Algorithm algorithm : {Algorithm::direct, Algorithm::fast}) {
        Options options;
        options.padding = {1, 1, 1};
        options.algorithm = algorithm;
        const Filter filter(erase_type(weight), {}, options);
        Cancellation cancellation([](void*) { return true; }, nullptr, std::chrono::milliseconds(0));
        Exec exec;
        exec.cancellation = &cancellation;
        EXPECT_THROWS(Cancelled, cpu::conv3d(erase_type(in), erase_type(out), filter, {}, exec));
        EXPECT(y.back() == 7.0F);
    }
}
