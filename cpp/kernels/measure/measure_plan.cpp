// SPDX-License-Identifier: Apache-2.0
#include "kernels/measure/measure_plan.hpp"

#include <algorithm>

#include "core/quantiles.hpp"

namespace voxkern::measure {

std::vector<Sought> sought_of(const std::vector<double>& quantiles, std::int64_t count, Quantiles& found) {
    std::vector<Sought> all;
    for (const double q : quantiles) {
        const QuantilePlace place = quantile_place(q, count);
        found.fractions.push_back(place.fraction);
        for (const std::int64_t rank : {place.rank, place.next}) {
            all.push_back({rank, 0, static_cast<std::int64_t>(all.size())});
        }
    }
    std::sort(all.begin(), all.end(), [](const Sought& a, const Sought& b) { return a.rank < b.rank; });
    return all;
}

void take_digit(const std::int64_t* counts, Sought* begin, Sought* end) {
    std::int64_t before = 0;
    std::int64_t digit = 0;
    for (Sought* s = begin; s != end; ++s) {
        while (before + counts[digit] <= s->rank) before += counts[digit++];
        s->rank -= before;
        s->prefix = s->prefix << kDigitBits | static_cast<std::uint64_t>(digit);
    }
}

Axes<2> walk_of(const Image& image) {
    const ConstArrayView& in = image.voxels;
    Axes<2> axes;
    for (int a = 0; a < in.rank; ++a) {
        if (in.shape[a] != 1) axes.push(in.shape[a], {in.strides[a], image.mask ? image.mask->strides[a] : 0});
    }
    axes.slowest_first(0);
    axes.merge();
    if (axes.rank() == 0) axes.push(1, {1, 1});
    return axes;
}

}  // namespace voxkern::measure
