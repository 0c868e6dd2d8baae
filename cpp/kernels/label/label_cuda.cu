// SPDX-License-Identifier: Apache-2.0
// label on the GPU. Bits of samples are packed by ballots. A thread takes a word of 32: it joins the runs in it with
// those of the words before that are neighbours, so that most samples cost nothing (Hennequin, Lacassagne, Cabaret,
// Meunier, "A new direct connected component labeling and analysis algorithms for GPUs", 2018). Sets are trees in
// global memory; a root is the first sample of its set, whoever came first. Numbers are prefix sums over the roots.
#include "kernels/label/label_cuda.inl.hpp"
#include "kernels/label/label_plan.hpp"

namespace voxkern::label {
namespace {

// --- sets of samples ---

// Paths are halved on the way: another thread may do the same, or link the root, but none makes a root of what is none.
template <class I>
__device__ I root_of(I* parent, I at) {
    I next = cuda::load_relaxed(&parent[at]);
    while (next != at) {
        const I after = cuda::load_relaxed(&parent[next]);
        if (after != next) cuda::store_relaxed(&parent[at], after);
        at = next;
        next = after;
    }
    return at;
}

// Where another thread linked `a` first, what it was linked to remains to be joined.
template <class I>
__device__ void join(I* parent, I a, I b) {
    for (;;) {
        a = root_of(parent, a);
        b = root_of(parent, b);
        if (a == b) return;
        const I first = a < b ? a : b;
        const I last = a < b ? b : a;
        const I before = atomicMin(&parent[last], first);
        if (before == last) return;
        a = before;
        b = first;
    }
}

// A row before another; see Neighbour.
struct Contact {
    std::int64_t rows = 0;
    std::uint32_t backward = 0;  // axes along which it is a step back
    std::uint32_t forward = 0;
    bool before = false;
    bool beside = false;
    bool behind = false;
};

// --- kernels ---

template <class I>
__global__ void start_sets(Grid grid, const std::uint32_t* bits, I* parent) {
    for (std::int64_t p = cuda::first_position(); p < grid.size(); p += cuda::position_step()) {
        const I sample = static_cast<I>(word_at<I>(grid, p).sample);
        for (std::uint32_t starts = starts_in(bits[p], grid.along); starts != 0;) {
            const I at = sample + pop_bit(starts);
            parent[at] = at;
        }
    }
}

// A word and those before and behind it in its row.
struct Three {
    std::uint32_t here = 0;
    std::uint32_t before = 0;
    std::uint32_t behind = 0;

    // The bits one sample before and behind.
    __device__ std::uint32_t from_before() const { return here << 1 | before >> (kSamples - 1); }
    __device__ std::uint32_t from_behind() const { return here >> 1 | behind << (kSamples - 1); }
};

__device__ __forceinline__ Three three_at(const Grid& grid, const std::uint32_t* bits, std::int64_t position,
                                          std::int64_t in_row) {
    Three three;
    three.here = bits[position];
    if (in_row > 0) three.before = bits[position - 1];
    if (in_row + 1 < grid.words) three.behind = bits[position + 1];
    return three;
}

// Joins samples `meeting` of a word with those `shift` samples further in another one; only the first of those that
// lie side by side, where that joins the others too.
template <class I>
__device__ void join_words(const Grid& grid, I* parent, const Three& own, I sample, const Three& other, I other_sample,
                           std::uint32_t meeting, int shift) {
    for (std::uint32_t left = starts_in(meeting, grid.along); left != 0;) {
        const int bit = pop_bit(left);
        int there = bit + shift;
        std::uint32_t word = other.here;
        I first = other_sample;
        if (there < 0) {
            there += kSamples;
            word = other.before;
            first -= kSamples;
        } else if (there >= kSamples) {
            there -= kSamples;
            word = other.behind;
            first += kSamples;
        }
        join(parent, static_cast<I>(sample + first_of_run(own.here, bit, grid.along)),
             static_cast<I>(first + first_of_run(word, there, grid.along)));
    }
}

template <class I>
__global__ void join_runs(Grid grid, const std::uint32_t* bits, const Contact* contacts, int count, I* parent) {
    for (std::int64_t p = cuda::first_position(); p < grid.size(); p += cuda::position_step()) {
        if (bits[p] == 0) continue;
        const Word word = word_at<I>(grid, p);
        const Three own = three_at(grid, bits, p, word.in_row);
        const I sample = static_cast<I>(word.sample);
        if (grid.along && (own.here & own.from_before() & 1) != 0) {
            join_words(grid, parent, own, sample, own, sample, 1, -1);
        }
        const Ends ends = ends_of<I>(grid, word.row);
        for (int k = 0; k < count; ++k) {
            const Contact contact = contacts[k];
            if ((ends.first & contact.backward) != 0 || (ends.last & contact.forward) != 0) continue;
            const Three other = three_at(grid, bits, p + contact.rows * grid.words, word.in_row);
            const I there = static_cast<I>(word.sample + contact.rows * grid.width);
            // A corner joins nothing new where a neighbour on either side meets beside.
            const bool covered = grid.along && contact.beside;
            if (contact.beside) {
                join_words(grid, parent, own, sample, other, there, own.here & other.here, 0);
            }
            if (contact.before) {
                const std::uint32_t known = covered ? other.here | own.from_before() : 0;
                join_words(grid, parent, own, sample, other, there, own.here & other.from_before() & ~known, -1);
            }
            if (contact.behind) {
                const std::uint32_t known = covered ? other.here | own.from_behind() : 0;
                join_words(grid, parent, own, sample, other, there, own.here & other.from_behind() & ~known, 1);
            }
        }
    }
}

// Every run points to its root; how many of these are in the words of each block.
template <class I>
__global__ void find_roots(Grid grid, const std::uint32_t* bits, I* parent, I* counts) {
    const std::int64_t p = cuda::first_position();
    I roots = 0;
    if (p < grid.size()) {
        const I sample = static_cast<I>(word_at<I>(grid, p).sample);
        for (std::uint32_t starts = starts_in(bits[p], grid.along); starts != 0;) {
            const I at = sample + pop_bit(starts);
            const I root = root_of(parent, at);
            cuda::store_relaxed(&parent[at], root);
            roots += root == at ? 1 : 0;
        }
    }
    roots = cuda::block_sum(roots);
    if (threadIdx.x == 0) counts[blockIdx.x] = roots;
}

// One block: roots before each block, and all of them.
template <class I>
__global__ void sum_counts(I* counts, std::int64_t blocks, long long* total) {
    I before = 0;
    for (std::int64_t first = 0; first < blocks; first += blockDim.x) {
        const std::int64_t b = first + threadIdx.x;
        I all = 0;
        const I earlier = cuda::block_scan(b < blocks ? counts[b] : I{0}, all);
        if (b < blocks) counts[b] = before + earlier;
        before += all;
    }
    if (threadIdx.x == 0) *total = before;
}

template <class I>
__global__ void number_roots(Grid grid, const std::uint32_t* bits, I* parent, const I* counts) {
    const std::int64_t p = cuda::first_position();
    const bool inside = p < grid.size();
    const I sample = inside ? static_cast<I>(word_at<I>(grid, p).sample) : I{0};
    std::uint32_t roots = 0;
    for (std::uint32_t starts = inside ? starts_in(bits[p], grid.along) : 0; starts != 0;) {
        const int bit = pop_bit(starts);
        if (parent[sample + bit] == sample + bit) roots |= std::uint32_t{1} << bit;
    }
    I all = 0;
    I number = counts[blockIdx.x] + cuda::block_scan(static_cast<I>(__popc(roots)), all);
    while (roots != 0) parent[sample + pop_bit(roots)] = -++number;
}

// --- host side ---

template <class I>
void find_sets(const Components& components, const std::vector<Contact>& table, I* parent) {
    const cuda::Exec& exec = components.exec;
    const Grid grid = grid_of(components);
    const std::uint32_t* const bits = components.bits.data();
    const cudaLaunchConfig_t any = cuda::config_for(grid.size(), exec.stream);
    const unsigned blocks = cuda::blocks_x(cuda::ceil_div(grid.size(), cuda::kBlockThreads));
    const cudaLaunchConfig_t all = cuda::config(blocks, cuda::kBlockThreads, 0, exec.stream);
    const auto contacts = cuda::upload(table, exec);
    const cuda::Scratch<I> counts(blocks, exec);
    cuda::launch("start_sets", any, start_sets<I>, grid, bits, parent);
    cuda::launch("join_runs", any, join_runs<I>, grid, bits, contacts.data(), static_cast<int>(table.size()), parent);
    cuda::launch("find_roots", all, find_roots<I>, grid, bits, parent, counts.data());
    cuda::launch("sum_counts", cuda::config(1, cuda::kBlockThreads, 0, exec.stream), sum_counts<I>, counts.data(),
                 std::int64_t{blocks}, components.count.data());
    cuda::launch("number_roots", all, number_roots<I>, grid, bits, parent, counts.data());
}

std::vector<Contact> contacts_of(const Plan& plan) {
    std::vector<Contact> contacts;
    for (const Neighbour& neighbour : plan.neighbours) {
        Contact contact;
        contact.rows = neighbour.rows;
        contact.before = neighbour.before;
        contact.beside = neighbour.beside;
        contact.behind = neighbour.behind;
        for (std::size_t a = 0; a < neighbour.steps.size(); ++a) {
            contact.backward |= static_cast<std::uint32_t>(neighbour.steps[a] < 0) << a;
            contact.forward |= static_cast<std::uint32_t>(neighbour.steps[a] > 0) << a;
        }
        contacts.push_back(contact);
    }
    return contacts;
}

}  // namespace
}  // namespace voxkern::label

namespace voxkern::cuda {

Components label(const ConstArrayView& in, const label::Options& options, const Exec& exec,
                 std::int64_t most_of_32_bits) {
    const std::int64_t width = in.shape[in.rank - 1];
    const std::int64_t rows = width == 0 ? 0 : in.size() / width;
    const bool narrow = in.size() <= most_of_32_bits;
    const auto samples = static_cast<std::size_t>(in.size());
    Components components = {
        exec,
        in.rank,
        {},
        false,
        narrow,
        Scratch<std::uint32_t>(static_cast<std::size_t>(rows * ceil_div(width, label::kSamples)), exec),
        Scratch<char>(samples * (narrow ? sizeof(int) : sizeof(long long)), exec),
        Scratch<long long>(1, exec)};
    std::copy_n(in.shape, in.rank, components.shape);
    if (in.size() == 0) {
        fill(components.count.data(), 1, 0, exec);
        return components;
    }
    const label::Plan plan = label::plan_of(in.rank, in.shape, options.structure);
    components.along = plan.along;
    pack(in, label::rows_of(components, in.strides, ceil_div(width, label::kSamples), 1), options.zeros, false,
         components.bits.data(), exec.stream);
    label::with_parents(components,
                        [&](auto* parent) { label::find_sets(components, label::contacts_of(plan), parent); });
    return components;
}

}  // namespace voxkern::cuda
