// SPDX-License-Identifier: Apache-2.0
#include "kernels/warp/warp_source_cpu.hpp"

#include <algorithm>
#include <cstring>

#include "kernels/copy/copy.hpp"
#include "kernels/spline_filter/spline_filter.hpp"

namespace voxkern::warp {
namespace {

constexpr std::int64_t kRowsPerChunk = 256;

// Calls body(element of the row's sample 0) for the rows along the last axis: `reach[a]` samples beyond the image
// along the others, axis `skip` at sample 0.
template <class Body>
void for_rows(const Padded& geometry, const std::int64_t* reach, int skip, const Exec& exec, const Body& body) {
    Axes<1> rows;
    std::int64_t first = geometry.first;
    for (int a = 0; a < geometry.axes - 1; ++a) {
        if (a == skip) continue;
        rows.push(geometry.shape[a] + 2 * reach[a], {geometry.strides[a]});
        first -= reach[a] * geometry.strides[a];
    }
    const std::int64_t size = rows.size();
    parallel_for((size + kRowsPerChunk - 1) / kRowsPerChunk, exec, [&](std::int64_t chunk) {
        const std::int64_t end = std::min(size, (chunk + 1) * kRowsPerChunk);
        for (std::int64_t row = chunk * kRowsPerChunk; row < end; ++row) body(first + rows.at(row)[0]);
    });
}

// Positions of an axis that are filled from other ones.
struct Extension {
    std::vector<std::int64_t> target;
    std::vector<std::int64_t> source;  // kOutside: filled with zeros
    std::int64_t shift;                // sources count from the line's first sample, this far before the image
};

Extension extension_of(std::int64_t samples, std::int64_t from, std::int64_t to, Boundary rule) {
    Extension extension;
    extension.shift = from;
    const std::int64_t n = samples + 2 * from;
    for (std::int64_t h = 0; h < to - from; ++h) {
        for (const std::int64_t i : {h - (to - from), n + h}) {
            extension.target.push_back(i - from);
            extension.source.push_back(fold_index(i, n, rule));
        }
    }
    return extension;
}

// Extends lines that are filled `from` samples beyond the image to `to` samples, axis by axis.
template <class C>
void extend(const Padded& geometry, C* data, std::int64_t from, std::int64_t to, Boundary rule, const Exec& exec) {
    std::int64_t reach[kMaxAxes];
    std::fill_n(reach, geometry.axes, from);
    const int last = geometry.axes - 1;
    for (int a = 0; a <= last; ++a) {
        const Extension extension = extension_of(geometry.shape[a], from, to, rule);
        const std::int64_t length = a == last ? 1 : geometry.shape[last] + 2 * reach[last];
        const std::int64_t before = a == last ? 0 : reach[last];
        const std::int64_t stride = geometry.strides[a];
        for_rows(geometry, reach, a, exec, [&](std::int64_t element) {
            C* const row = data + element - before;
            for (std::size_t k = 0; k < extension.target.size(); ++k) {
                C* const target = row + extension.target[k] * stride;
                if (extension.source[k] == kOutside) {
                    std::fill_n(target, length, C{0});
                } else {
                    const C* const source = row + (extension.source[k] - extension.shift) * stride;
                    std::memcpy(target, source, static_cast<std::size_t>(length) * sizeof(C));
                }
            }
        });
        reach[a] = to;
    }
}

template <class C>
void subtract(const Padded& geometry, C* data, C value, const Exec& exec) {
    const std::int64_t reach[kMaxAxes] = {};
    for_rows(geometry, reach, -1, exec, [&](std::int64_t element) {
        for (std::int64_t i = 0; i < geometry.shape[geometry.axes - 1]; ++i) data[element + i] -= value;
    });
}

}  // namespace

void prefilter(const ConstArrayView& in, const ArrayView& out, const Options& options, const Exec& exec) {
    spline_filter::Options filter;
    for (int a = 0; a < in.rank; ++a) filter.axes.push_back(a);
    filter.order = options.kernel.order;
    filter.mode = options.mode;
    filter.float64 = out.dtype == DType::f64;
    cpu::spline_filter(in, out, filter, exec);
}

template <class C>
void fill_padded(const ConstArrayView& image, const Options& options, const Padded& geometry, C* data,
                 const Exec& exec) {
    const bool filters = options.kernel.filters() && options.prefilter;
    const std::int64_t pad = geometry.pad;
    const ArrayView samples = view_within(geometry, data, 0);
    if (filters && pad == 0) {
        prefilter(image, samples, options, exec);
    } else {
        cpu::copy(image, samples, exec);
        if (options.mode == Boundary::grid_constant) subtract(geometry, data, static_cast<C>(options.cval), exec);
        if (filters) {
            extend(geometry, data, 0, pad, options.mode, exec);
            const ArrayView line = view_within(geometry, data, pad);
            prefilter(as_const(line), line, options, exec);
        }
    }
    // The same extension as that of interpolator_taps.
    const bool repeats = options.kernel.radius > 0 && options.mode == Boundary::fov;
    const Boundary rule = repeats ? Boundary::nearest : tap_boundary(options.mode);
    extend(geometry, data, pad, geometry.margin, rule, exec);
}

template void fill_padded<float>(const ConstArrayView&, const Options&, const Padded&, float*, const Exec&);
template void fill_padded<double>(const ConstArrayView&, const Options&, const Padded&, double*, const Exec&);

}  // namespace voxkern::warp
