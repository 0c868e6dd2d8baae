// SPDX-License-Identifier: Apache-2.0
// Batcher's odd-even merge and the sort made of it (K. E. Batcher, "Sorting networks and their applications", 1968),
// as lists of comparators known to the compiler.
#pragma once

#include "core/config.hpp"

namespace voxkern::rank {

// Comparator c leaves the smaller of two samples at low[c], the larger at high[c]. Afterwards the i-th smallest stands
// at order[i].
template <int kSamples>
struct Net {
    int low[kSamples * 4 + 1] = {};
    int high[kSamples * 4 + 1] = {};
    int order[kSamples + 1] = {};
    int count = 0;

    // Merges the lists whose samples stand at a[0..p) and b[0..q); to[0..p+q) says where their merger stands.
    constexpr void merge(const int* a, int p, const int* b, int q, int* to) {
        if (p == 0 || q == 0) {
            for (int i = 0; i < p + q; ++i) to[i] = p == 0 ? b[i] : a[i];
            return;
        }
        if (p == 1 && q == 1) {
            compare(a[0], b[0]);
            to[0] = a[0];
            to[1] = b[0];
            return;
        }
        int parts[2][2][kSamples + 1] = {};  // every second sample of each list
        for (int i = 0; i < p; ++i) parts[i % 2][0][i / 2] = a[i];
        for (int i = 0; i < q; ++i) parts[i % 2][1][i / 2] = b[i];
        int even[kSamples + 1] = {};
        int odd[kSamples + 1] = {};
        merge(parts[0][0], (p + 1) / 2, parts[0][1], (q + 1) / 2, even);
        merge(parts[1][0], p / 2, parts[1][1], q / 2, odd);
        const int n_even = (p + 1) / 2 + (q + 1) / 2;
        const int n_odd = p / 2 + q / 2;
        to[0] = even[0];
        int next = 1;
        for (int i = 0; i < n_odd || i + 1 < n_even; ++i) {
            if (i < n_odd && i + 1 < n_even) compare(odd[i], even[i + 1]);
            if (i < n_odd) to[next++] = odd[i];
            if (i + 1 < n_even) to[next++] = even[i + 1];
        }
    }

    constexpr void sort(int first, int n, int* to) {
        if (n == 1) {
            to[0] = first;
            return;
        }
        int a[kSamples + 1] = {};
        int b[kSamples + 1] = {};
        sort(first, n / 2, a);
        sort(first + n / 2, n - n / 2, b);
        merge(a, n / 2, b, n - n / 2, to);
    }

  private:
    constexpr void compare(int a, int b) {
        low[count] = a;
        high[count++] = b;
    }
};

template <int kP, int kQ>
constexpr Net<kP + kQ> merging() {
    Net<kP + kQ> net;
    int a[kP + 1] = {};
    int b[kQ + 1] = {};
    for (int i = 0; i < kP; ++i) a[i] = i;
    for (int i = 0; i < kQ; ++i) b[i] = kP + i;
    net.merge(a, kP, b, kQ, net.order);
    return net;
}

template <int kN>
constexpr Net<kN> sorting() {
    Net<kN> net;
    net.sort(0, kN, net.order);
    return net;
}

template <int kSamples>
struct SortOf {
    static constexpr int kCount = kSamples;
    static constexpr Net<kSamples> net = sorting<kSamples>();
};
template <int kP, int kQ>
struct MergeOf {
    static constexpr int kCount = kP + kQ;
    static constexpr Net<kP + kQ> net = merging<kP, kQ>();
};

// Of numbers, or of vectors lane by lane.
template <class T>
VOXKERN_HD VOXKERN_INLINE T lower(T a, T b) {
    return a < b ? a : b;
}
template <class T>
VOXKERN_HD VOXKERN_INLINE T higher(T a, T b) {
    return a > b ? a : b;
}

// Comparators by recursion: every index is a constant, so the samples stay in registers.
template <class Which, int kAt, class T>
VOXKERN_HD VOXKERN_INLINE void compare_all(T* x) {
    if constexpr (kAt < Which::net.count) {
        constexpr int a = Which::net.low[kAt];
        constexpr int b = Which::net.high[kAt];
        const T low = lower(x[a], x[b]);
        x[b] = higher(x[a], x[b]);
        x[a] = low;
        compare_all<Which, kAt + 1>(x);
    }
}

}  // namespace voxkern::rank
