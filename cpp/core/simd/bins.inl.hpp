// SPDX-License-Identifier: Apache-2.0
// Which bin a value lies in: a guess by the equal steps, put right by the edges. Included inside a level's namespace.

// A bin for each value, NaN too; seldom it is a neighbour of the right one.
inline void guess_bins(const Bins& bins, const double* v, std::int64_t n, std::int32_t* guess) {
    const double first = bins.edges[0];
    const double top = static_cast<double>(bins.count - 1);
    const double scale = bins.scale;
    for (std::int64_t i = 0; i < n; ++i) {
        double place = (v[i] - first) * scale;
        place = place > 0.0 ? place : 0.0;  // NaN too
        guess[i] = static_cast<std::int32_t>(place < top ? place : top);
    }
}

// The bin that holds a value, from a guess on; -1 where none does.
inline std::int64_t bin_by_edges(const Bins& bins, double v, std::int64_t bin) {
    if (!(v >= bins.edges[0] && v <= bins.edges[bins.count])) return -1;
    while (v < bins.edges[bin]) --bin;
    while (bin + 1 < bins.count && v >= bins.edges[bin + 1]) ++bin;
    return bin;
}
