// SPDX-License-Identifier: Apache-2.0
// Rows that lie side by side, also backwards, are worth a loop of their own: the compiler makes vectors of it.
// Included inside a level's namespace.

template <std::int64_t kStep>
struct Step {
    VOXKERN_INLINE constexpr operator std::int64_t() const { return kStep; }
};

// Calls loop(stride) with a constant where the stride is 1 or -1.
template <class Loop>
VOXKERN_INLINE void by_stride(std::int64_t stride, const Loop& loop) {
    if (stride == 1) {
        loop(Step<1>{});
    } else if (stride == -1) {
        loop(Step<-1>{});
    } else {
        loop(stride);
    }
}
