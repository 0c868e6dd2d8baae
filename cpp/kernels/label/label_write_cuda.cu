// SPDX-License-Identifier: Apache-2.0
// What is asked of components on the GPU: their sizes, their numbers, and values for all samples of some of them. Flags
// of components are bits at the numbers of their roots, so that nobody waits for how many there are.
#include "core/cast.hpp"
#include "kernels/label/label_cuda.inl.hpp"

namespace voxkern::label {
namespace {

constexpr long long kKeep = -1;  // the sample stays what it is

// --- kernels ---

template <class I>
__global__ void count_samples(Grid grid, const std::uint32_t* bits, const I* parent, unsigned long long* counts) {
    for (std::int64_t p = cuda::first_position(); p < grid.size(); p += cuda::position_step()) {
        const I sample = static_cast<I>(word_at<I>(grid, p).sample);
        for (std::uint32_t starts = starts_in(bits[p], grid.along); starts != 0;) {
            const int start = pop_bit(starts);
            const I number = -parent[root_at(parent, static_cast<I>(sample + start))];
            atomicAdd(&counts[number], static_cast<unsigned long long>(__popc(run_from(bits[p], start, grid.along))));
        }
    }
}

// Where a word is among those of all rows.
__device__ __forceinline__ std::int64_t word_of(const cuda::BitRows& rows, const cuda::Positions<3>::Offsets& at) {
    const std::int64_t row = (at.of[1] - at.of[2]) / rows.width;
    return row * ((rows.width + kSamples - 1) / kSamples) + at.of[2] / kSamples;
}

template <class I>
__device__ __forceinline__ void flag(std::uint32_t* flags, I root) {
    const std::uint32_t bit = std::uint32_t{1} << (root % 32);
    std::uint32_t* const word = &flags[root / 32];
    if ((cuda::load_relaxed(word) & bit) == 0) atomicOr(word, bit);
}

// Flags components that reach an end of one of these axes; `along_row`: of the last one.
template <class I>
__global__ void flag_ends(Grid grid, const std::uint32_t* bits, const I* parent, std::uint32_t axes, bool along_row,
                          std::uint32_t* flags) {
    for (std::int64_t p = cuda::first_position(); p < grid.size(); p += cuda::position_step()) {
        if (bits[p] == 0) continue;
        const Word word = word_at<I>(grid, p);
        const Ends ends = ends_of<I>(grid, word.row);
        std::uint32_t at_end = ((ends.first | ends.last) & axes) != 0 ? ~std::uint32_t{0} : 0;
        if (along_row && word.in_row == 0) at_end |= 1;
        if (along_row && word.in_row == grid.words - 1) at_end |= std::uint32_t{1} << ((grid.width - 1) % kSamples);
        for (std::uint32_t starts = starts_in(bits[p], grid.along); starts != 0;) {
            const int start = pop_bit(starts);
            if ((run_from(bits[p], start, grid.along) & at_end) == 0) continue;
            flag(flags, root_at(parent, static_cast<I>(word.sample + start)));
        }
    }
}

// Flags components with a sample that is marked.
template <class I>
__global__ void flag_marked(cuda::BitRows rows, bool along, const std::uint32_t* bits, const I* parent,
                            const std::uint8_t* marks, std::uint32_t* flags) {
    const int lane = cuda::lane_of_row();
    cuda::for_words(rows, [&](std::int64_t word, const auto& at) {
        const std::uint32_t own = bits[word];
        const bool marked = at.of[2] + lane < rows.width && marks[at.of[0] + lane * rows.stride] != 0;
        const std::uint32_t set = __ballot_sync(cuda::kAllLanes, marked ? 1 : 0);
        if ((starts_in(own, along) >> lane & 1) == 0 || (run_from(own, lane, along) & set) == 0) return;
        flag(flags, root_at(parent, static_cast<I>(at.of[1] + lane)));
    });
}

// The same, where a thread takes a word.
template <class I>
__global__ void flag_across(cuda::BitRows rows, bool along, const std::uint32_t* bits, const I* parent,
                            const std::uint8_t* marks, std::uint32_t* flags) {
    for (std::int64_t p = cuda::first_position(); p < rows.words.size; p += cuda::position_step()) {
        const auto at = rows.words.at(p);
        const std::uint32_t own = bits[word_of(rows, at)];
        std::uint32_t set = 0;
#pragma unroll 8
        for (int i = 0; i < kSamples && at.of[2] + i < rows.width; ++i) {
            set |= static_cast<std::uint32_t>(marks[at.of[0] + i * rows.stride] != 0) << i;
        }
        for (std::uint32_t starts = starts_in(own, along); starts != 0;) {
            const int start = pop_bit(starts);
            if ((run_from(own, start, along) & set) == 0) continue;
            flag(flags, root_at(parent, static_cast<I>(at.of[1] + start)));
        }
    }
}

// What becomes of a sample: `start` is that of its run, `inside` whether it has one.
template <class I>
struct NumberOf {
    __device__ long long operator()(const I* parent, bool inside, I start) const {
        return inside ? -static_cast<long long>(parent[root_at(parent, start)]) : 0;
    }
};

template <class I>
struct ValueOf {
    const std::uint8_t* values;
    __device__ long long operator()(const I* parent, bool inside, I start) const {
        return values[NumberOf<I>()(parent, inside, start)];
    }
};

// 1 where nothing is flagged.
template <class I>
struct Enclosed {
    const std::uint32_t* flags;
    __device__ long long operator()(const I* parent, bool inside, I start) const {
        if (!inside) return 1;
        const I root = root_at(parent, start);
        return (flags[root / 32] >> (root % 32) & 1) == 0;
    }
};

// 1 where it is; other samples stay what they are.
template <class I>
struct Flagged {
    const std::uint32_t* flags;
    __device__ long long operator()(const I* parent, bool inside, I start) const {
        return inside && Enclosed<I>{flags}(parent, inside, start) == 0 ? 1 : kKeep;
    }
};

template <class T, class I, class Value>
__global__ void write_samples(cuda::BitRows rows, bool along, const std::uint32_t* bits, const I* parent, Value value,
                              T* out) {
    const int lane = cuda::lane_of_row();
    cuda::for_words(rows, [&](std::int64_t word, const auto& at) {
        if (at.of[2] + lane >= rows.width) return;
        const std::uint32_t own = bits[word];
        const bool inside = (own >> lane & 1) != 0;
        const long long result = value(parent, inside, static_cast<I>(at.of[1] + first_of_run(own, lane, along)));
        if (result != kKeep) out[at.of[0] + lane * rows.stride] = static_cast<T>(result);
    });
}

// The same, where a thread takes a word of samples that lie far apart, and a warp those of rows side by side.
template <class T, class I, class Value>
__global__ void write_across(cuda::BitRows rows, bool along, const std::uint32_t* bits, const I* parent, Value value,
                             T* out) {
    for (std::int64_t p = cuda::first_position(); p < rows.words.size; p += cuda::position_step()) {
        const auto at = rows.words.at(p);
        const std::uint32_t own = bits[word_of(rows, at)];
        long long result = value(parent, false, I{0});
        bool inside = false;
#pragma unroll 1
        for (int i = 0; i < kSamples && at.of[2] + i < rows.width; ++i) {
            const bool set = (own >> i & 1) != 0;
            const bool changes = set != inside || (set && !along);
            inside = set;
            if (changes) result = value(parent, set, static_cast<I>(at.of[1] + i));
            if (result != kKeep) out[at.of[0] + i * rows.stride] = static_cast<T>(result);
        }
    }
}

// --- host side ---

// One flag per sample, all clear.
cuda::Scratch<std::uint32_t> no_flags(const Components& components, const cuda::Exec& exec) {
    const Grid grid = grid_of(components);
    const auto words = static_cast<std::size_t>(cuda::ceil_div(grid.rows * grid.width, 32));
    return cuda::filled<std::uint32_t>(words, 0, exec);
}

template <class T, class I, class Value>
void write(const Components& components, const ArrayView& out, const I* parent, const Value& value,
           const cuda::Exec& exec) {
    const cuda::BitRows rows = sample_rows(components, out);
    const auto kernel = rows.across ? write_across<T, I, Value> : write_samples<T, I, Value>;
    cuda::launch("write_samples", cuda::config_for(rows, exec.stream), kernel, rows, components.along,
                 components.bits.data(), parent, value, static_cast<T*>(out.data));
}

}  // namespace
}  // namespace voxkern::label

namespace voxkern::cuda {

std::int64_t count(const Components& components) {
    if (components.known < 0) fetch(&components.known, components.count.data(), 1, components.exec);
    return components.known;
}

std::vector<std::int64_t> sizes(const Components& components) {
    std::vector<unsigned long long> found(static_cast<std::size_t>(count(components)) + 1);
    const Exec& exec = components.exec;
    const label::Grid grid = label::grid_of(components);
    const Scratch<unsigned long long> counts = filled<unsigned long long>(found.size(), 0, exec);
    label::with_parents(components, [&](const auto* parent) {
        launch("count_samples", config_for(grid.size(), exec.stream),
               label::count_samples<std::remove_const_t<std::remove_reference_t<decltype(*parent)>>>, grid,
               components.bits.data(), parent, counts.data());
    });
    fetch(found.data(), counts.data(), found.size(), exec);
    std::vector<std::int64_t> samples(found.begin(), found.end());
    samples[0] = grid.rows * grid.width;
    for (std::size_t i = 1; i < samples.size(); ++i) samples[0] -= samples[i];
    return samples;
}

void write_labels(const Components& components, const ArrayView& out, const Exec& exec) {
    if (out.size() == 0) return;
    label::with_parents(components, [&](auto* parent) {
        using I = std::remove_reference_t<decltype(*parent)>;
        const auto write = [&](auto type) {
            using T = typename decltype(type)::type;
            label::write<T>(components, out, parent, label::NumberOf<I>(), exec);
        };
        if (out.dtype == DType::f32) return write(Type<float>());
        if (out.dtype == DType::f64) return write(Type<double>());
        switch (size_of(out.dtype)) {  // numbers have the same bits with a sign and without
            case 1: return write(Type<std::uint8_t>());
            case 2: return write(Type<std::uint16_t>());
            case 4: return write(Type<std::uint32_t>());
            default: return write(Type<std::uint64_t>());
        }
    });
}

void write_values(const Components& components, const std::vector<std::uint8_t>& values, const ArrayView& out,
                  const Exec& exec) {
    if (out.size() == 0) return;
    const Scratch<std::uint8_t> table = upload(values, exec);
    label::with_parents(components, [&](auto* parent) {
        using I = std::remove_reference_t<decltype(*parent)>;
        label::write<std::uint8_t>(components, out, parent, label::ValueOf<I>{table.data()}, exec);
    });
}

void write_enclosed(const Components& components, const std::vector<bool>& axes, const ArrayView& out,
                    const Exec& exec) {
    if (out.size() == 0) return;
    const Scratch<std::uint32_t> flags = label::no_flags(components, exec);
    const label::Grid grid = label::grid_of(components);
    std::uint32_t across = 0;
    for (int a = 0; a < grid.rank; ++a) {
        across |= static_cast<std::uint32_t>(axes[static_cast<std::size_t>(a)]) << a;
    }
    label::with_parents(components, [&](auto* parent) {
        using I = std::remove_reference_t<decltype(*parent)>;
        launch("flag_ends", config_for(grid.size(), exec.stream), label::flag_ends<I>, grid, components.bits.data(),
               parent, across, axes.back(), flags.data());
        label::write<std::uint8_t>(components, out, parent, label::Enclosed<I>{flags.data()}, exec);
    });
}

void fill_touched(const Components& components, const ArrayView& marks, const Exec& exec) {
    if (marks.size() == 0) return;
    const Scratch<std::uint32_t> flags = label::no_flags(components, exec);
    const BitRows rows = label::sample_rows(components, marks);
    label::with_parents(components, [&](auto* parent) {
        using I = std::remove_reference_t<decltype(*parent)>;
        launch("flag_marked", config_for(rows, exec.stream),
               rows.across ? label::flag_across<I> : label::flag_marked<I>, rows, components.along,
               components.bits.data(), parent, static_cast<const std::uint8_t*>(marks.data), flags.data());
        label::write<std::uint8_t>(components, marks, parent, label::Flagged<I>{flags.data()}, exec);
    });
}

}  // namespace voxkern::cuda
