// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>

#include "core/axes.hpp"
#include "kernels/label/label.hpp"
#include "kernels/label/label_plan.hpp"
#include "kernels/label/label_task.hpp"

namespace voxkern::label {
namespace {

constexpr std::int64_t kChunk = std::int64_t{1} << 16;  // samples that one thread takes at a time
constexpr std::int64_t kMostSlabs = 64;  // of rows that are joined beside others: between them one thread joins

const Ops& active_ops() {
    return VOXKERN_SELECT_LEVEL(ops);
}

int first_bit(std::uint64_t word) {
    return __builtin_ctzll(word);
}

// Bit i: a run starts at sample i. Where samples of a row are not connected every one is a run.
std::uint64_t starts_of(const std::uint64_t* words, std::int64_t w, bool along) {
    if (!along) return words[w];
    const std::uint64_t before = w > 0 ? words[w - 1] >> 63 : 0;
    return words[w] & ~(words[w] << 1 | before);
}

std::uint64_t last_of(const std::uint64_t* words, std::int64_t w, std::int64_t n_words, bool along) {
    if (!along) return words[w];
    const std::uint64_t behind = w + 1 < n_words ? words[w + 1] << 63 : 0;
    return words[w] & ~(words[w] >> 1 | behind);
}

// Sets of runs: each run points to one before it of the same component, the first to itself.
std::int32_t root_of(std::int32_t* parent, std::int32_t run) {
    while (parent[run] != run) {
        parent[run] = parent[parent[run]];
        run = parent[run];
    }
    return run;
}

// Joins the set whose root is `a` with that of `b`; returns the root of both.
std::int32_t join(std::int32_t* parent, std::int32_t a, std::int32_t b) {
    b = root_of(parent, b);
    const std::int32_t first = a < b ? a : b;
    parent[a] = first;
    parent[b] = first;
    return first;
}

// The runs of two rows.
struct Rows {
    std::int64_t a, a_end;
    std::int64_t b, b_end;
};

// Joins runs a and b where a sample i of `a` meets one of i + low to i + high of `b`; 0 or one number is among these.
void join_runs(Components& c, Rows rows, std::int32_t low, std::int32_t high) {
    const std::int32_t moved = low > 0 || high < 0 ? low : 0;
    while (rows.a < rows.a_end && rows.b < rows.b_end) {
        const std::int32_t begin = c.begin[rows.a] + low;
        const std::int32_t end = c.end[rows.a] + high;
        const std::int32_t last = c.end[rows.a] + moved;
        std::int32_t root = -1;
        for (; rows.b < rows.b_end && c.begin[rows.b] < end; ++rows.b) {
            if (c.end[rows.b] > begin) {
                if (root < 0) root = root_of(c.label, static_cast<std::int32_t>(rows.a));
                root = join(c.label, root, static_cast<std::int32_t>(rows.b));
            }
            if (c.end[rows.b] > last) break;  // it may meet the next run, too
        }
        ++rows.a;
    }
}

// The same for runs of one sample, which may lie side by side.
void join_samples(Components& c, Rows rows, const Neighbour& neighbour) {
    const bool connected[3] = {neighbour.before, neighbour.beside, neighbour.behind};
    for (; rows.a < rows.a_end; ++rows.a) {
        const std::int32_t here = c.begin[rows.a];
        while (rows.b < rows.b_end && c.begin[rows.b] < here - 1) ++rows.b;
        for (std::int64_t b = rows.b; b < rows.b_end && c.begin[b] <= here + 1; ++b) {
            if (!connected[c.begin[b] - here + 1]) continue;
            join(c.label, root_of(c.label, static_cast<std::int32_t>(rows.a)), static_cast<std::int32_t>(b));
        }
    }
}

void join_rows(Components& c, const Rows& rows, const Neighbour& neighbour, bool along) {
    if (!along) {
        join_samples(c, rows, neighbour);
    } else if (neighbour.beside) {
        join_runs(c, rows, neighbour.before ? -1 : 0, neighbour.behind ? 1 : 0);
    } else {
        if (neighbour.before) join_runs(c, rows, -1, -1);
        if (neighbour.behind) join_runs(c, rows, 1, 1);
    }
}

// Rows [first, last) with those before them, of which row `from` is the first that counts.
void join_with_neighbours(Components& c, const Plan& plan, std::int64_t first, std::int64_t last, std::int64_t from) {
    const auto run_of = [&](std::int64_t row) { return c.first_run[static_cast<std::size_t>(row)]; };
    for (std::int64_t row = first; row < last; ++row) {
        if (run_of(row) == run_of(row + 1)) continue;
        std::int64_t index[kMaxRank];
        unravel(row, c.rank - 1, c.shape, index);
        for (const Neighbour& neighbour : plan.neighbours) {
            const std::int64_t other = row + neighbour.rows;
            if (other < from) continue;
            bool inside = true;
            for (int a = 0; a < c.rank - 1; ++a) {
                const std::int64_t at = index[a] + neighbour.steps[static_cast<std::size_t>(a)];
                inside = inside && at >= 0 && at < c.shape[a];
            }
            if (!inside) continue;
            join_rows(c, {run_of(row), run_of(row + 1), run_of(other), run_of(other + 1)}, neighbour, plan.along);
        }
    }
}

// The bits of every row, and the number of its runs in first_run.
class Bits {
  public:
    Bits(const ConstArrayView& in, bool zeros)
        : in_(in),
          zeros_(zeros),
          width_(in.shape[in.rank - 1]),
          words_((width_ + 63) / 64),
          memory_(Workspace::bytes_of<std::uint64_t>({in.size() / width_ * words_})),
          bits_(memory_.take<std::uint64_t>(in.size() / width_ * words_)) {}

    const std::uint64_t* row(std::int64_t r) const { return bits_ + r * words_; }
    std::int64_t words() const { return words_; }

    void read(std::int64_t r) {
        std::int64_t index[kMaxRank];
        unravel(r, in_.rank - 1, in_.shape, index);
        std::int64_t offset = 0;
        for (int a = 0; a < in_.rank - 1; ++a) offset += index[a] * in_.strides[a];
        active_ops().bits(in_.dtype, size_of(in_.dtype), in_.at(offset), in_.strides[in_.rank - 1], width_, zeros_,
                          bits_ + r * words_);
    }

  private:
    const ConstArrayView& in_;
    bool zeros_;
    std::int64_t width_;
    std::int64_t words_;
    Workspace memory_;
    std::uint64_t* bits_;
};

void find_runs(Components& c, const Bits& bits, std::int64_t row, bool along) {
    const std::uint64_t* const words = bits.row(row);
    std::int64_t begin = c.first_run[static_cast<std::size_t>(row)];
    std::int64_t end = begin;
    for (std::int64_t w = 0; w < bits.words(); ++w) {
        for (std::uint64_t s = starts_of(words, w, along); s != 0; s &= s - 1) {
            c.label[begin] = static_cast<std::int32_t>(begin);
            c.begin[begin++] = static_cast<std::int32_t>(64 * w + first_bit(s));
        }
        for (std::uint64_t e = last_of(words, w, bits.words(), along); e != 0; e &= e - 1) {
            c.end[end++] = static_cast<std::int32_t>(64 * w + first_bit(e) + 1);
        }
    }
}

// From sets to numbers: a run's set is that of one before it.
void number(Components& c) {
    for (std::int64_t run = 0; run < c.first_run.back(); ++run) {
        const std::int32_t before = c.label[run];
        c.label[run] = before == run ? static_cast<std::int32_t>(++c.count) - 1 : c.label[before];
    }
}

// Calls body(index, samples, row) for each row of `view`, with its index along all axes but the last.
template <class T, class Body>
void for_rows(const Components& c, const ArrayView& view, const Exec& exec, const Body& body) {
    const std::int64_t width = c.shape[c.rank - 1];
    const std::int64_t rows = static_cast<std::int64_t>(c.first_run.size()) - 1;
    if (rows == 0) return;
    const std::int64_t group = std::max<std::int64_t>(kChunk / width, 1);
    parallel_for((rows + group - 1) / group, limited_to_work(exec, rows * width), [&](std::int64_t chunk) {
        for (std::int64_t r = chunk * group; r < std::min((chunk + 1) * group, rows); ++r) {
            std::int64_t index[kMaxRank];
            unravel(r, c.rank - 1, c.shape, index);
            std::int64_t offset = 0;
            for (int a = 0; a < c.rank - 1; ++a) offset += index[a] * view.strides[a];
            body(static_cast<T*>(view.at(offset)), static_cast<std::size_t>(r));
        }
    });
}

template <class T>
void fill(T* row, std::int64_t stride, std::int64_t begin, std::int64_t end, T x) {
    if (stride == 1) {
        std::fill(row + begin, row + end, x);
    } else {
        for (std::int64_t i = begin; i < end; ++i) row[i * stride] = x;
    }
}

template <class T, class Value>
void write(const Components& c, const ArrayView& out, const Exec& exec, Value&& value) {
    const std::int64_t width = c.shape[c.rank - 1];
    const std::int64_t stride = out.strides[c.rank - 1];
    for_rows<T>(c, out, exec, [&](T* row, std::size_t r) {
        std::int64_t done = 0;
        for (std::int64_t run = c.first_run[r]; run < c.first_run[r + 1]; ++run) {
            fill(row, stride, done, c.begin[run], value(0));
            fill(row, stride, c.begin[run], c.end[run], value(c.label[run] + 1));
            done = c.end[run];
        }
        fill(row, stride, done, width, value(0));
    });
}

using Flags = std::vector<std::atomic<std::uint8_t>>;

// Which components have a sample that is not zero.
Flags touched(const Components& c, const ArrayView& marks, const Exec& exec) {
    Flags found(static_cast<std::size_t>(c.count) + 1);
    const std::int64_t stride = marks.strides[c.rank - 1];
    for_rows<std::uint8_t>(c, marks, exec, [&](const std::uint8_t* row, std::size_t r) {
        for (std::int64_t run = c.first_run[r]; run < c.first_run[r + 1]; ++run) {
            std::atomic<std::uint8_t>& known = found[static_cast<std::size_t>(c.label[run]) + 1];
            if (known.load(std::memory_order_relaxed) != 0) continue;
            std::int64_t i = c.begin[run];
            while (i < c.end[run] && row[i * stride] == 0) ++i;
            if (i < c.end[run]) known.store(1, std::memory_order_relaxed);
        }
    });
    return found;
}

// 0 for each component with a sample at an end of one of these axes, else 1; the first answer is 1.
std::vector<std::uint8_t> enclosed(const Components& c, const std::vector<bool>& axes) {
    std::vector<std::uint8_t> found(static_cast<std::size_t>(c.count) + 1, 1);
    const std::int64_t width = c.shape[c.rank - 1];
    const bool along = axes[static_cast<std::size_t>(c.rank - 1)];
    for (std::size_t r = 0; r + 1 < c.first_run.size(); ++r) {
        std::int64_t index[kMaxRank];
        unravel(static_cast<std::int64_t>(r), c.rank - 1, c.shape, index);
        bool whole = false;
        for (int a = 0; a < c.rank - 1; ++a) {
            whole = whole || (axes[static_cast<std::size_t>(a)] && (index[a] == 0 || index[a] == c.shape[a] - 1));
        }
        for (std::int64_t run = c.first_run[r]; run < c.first_run[r + 1]; ++run) {
            const bool ends = along && (c.begin[run] == 0 || c.end[run] == width);
            if (whole || ends) found[static_cast<std::size_t>(c.label[run]) + 1] = 0;
        }
    }
    return found;
}

}  // namespace
}  // namespace voxkern::label

namespace voxkern::cpu {

Components label(const ConstArrayView& in, const label::Options& options, const Exec& exec) {
    using namespace label;
    Components c;
    c.rank = in.rank;
    std::copy_n(in.shape, in.rank, c.shape);
    const std::int64_t width = in.shape[in.rank - 1];
    if (width >= std::int64_t{1} << 31) throw InvalidArgument("input: allowed fewer than 2^31 samples along a row");
    const std::int64_t rows = width == 0 ? 0 : in.size() / width;
    c.first_run.assign(static_cast<std::size_t>(rows) + 1, 0);
    if (in.size() == 0) return c;

    const Plan plan = plan_of(in.rank, in.shape, options.structure);
    const Exec limited = limited_to_work(exec, in.size());
    Bits bits(in, options.zeros);
    const std::int64_t group = std::max<std::int64_t>(kChunk / width, 1);
    parallel_for((rows + group - 1) / group, limited, [&](std::int64_t chunk) {
        for (std::int64_t r = chunk * group; r < std::min((chunk + 1) * group, rows); ++r) {
            bits.read(r);
            std::int64_t runs = 0;
            for (std::int64_t w = 0; w < bits.words(); ++w) {
                runs += __builtin_popcountll(starts_of(bits.row(r), w, plan.along));
            }
            c.first_run[static_cast<std::size_t>(r) + 1] = runs;
        }
    });
    for (std::size_t r = 1; r < c.first_run.size(); ++r) c.first_run[r] += c.first_run[r - 1];
    const std::int64_t runs = c.first_run.back();
    if (runs >= std::int64_t{1} << 31) throw InvalidArgument("input: got 2^31 runs of samples or more");
    c.memory = std::make_unique<Workspace>(Workspace::bytes_of<std::int32_t>({runs, runs, runs}));
    c.begin = c.memory->take<std::int32_t>(runs);
    c.end = c.memory->take<std::int32_t>(runs);
    c.label = c.memory->take<std::int32_t>(runs);

    // Slabs of whole rows, joined inside first: what lies in one is not touched by the others.
    const std::int64_t slab = std::max((rows + kMostSlabs - 1) / kMostSlabs, group);
    const std::int64_t slabs = (rows + slab - 1) / slab;
    parallel_for(slabs, limited, [&](std::int64_t s) {
        const std::int64_t last = std::min((s + 1) * slab, rows);
        for (std::int64_t r = s * slab; r < last; ++r) find_runs(c, bits, r, plan.along);
        join_with_neighbours(c, plan, s * slab, last, s * slab);
    });
    std::int64_t reach = 0;
    for (const Neighbour& neighbour : plan.neighbours) reach = std::max(reach, -neighbour.rows);
    for (std::int64_t s = 1; s < slabs; ++s) {
        join_with_neighbours(c, plan, s * slab, std::min({(s + 1) * slab, s * slab + reach, rows}), 0);
    }
    number(c);
    return c;
}

void write_labels(const Components& components, const ArrayView& out, const Exec& exec) {
    visit(out.dtype, [&](auto type) {
        using T = typename decltype(type)::type;
        if constexpr (!std::is_same_v<T, Half>) {
            label::write<T>(components, out, exec, [](std::int64_t number) { return static_cast<T>(number); });
        }
    });
}

void write_values(const Components& components, const std::vector<std::uint8_t>& values, const ArrayView& out,
                  const Exec& exec) {
    label::write<std::uint8_t>(components, out, exec,
                               [&](std::int64_t number) { return values[static_cast<std::size_t>(number)]; });
}

std::vector<std::int64_t> sizes(const Components& c) {
    std::vector<std::int64_t> counts(static_cast<std::size_t>(c.count) + 1, 0);
    for (std::int64_t run = 0; run < c.first_run.back(); ++run) {
        counts[static_cast<std::size_t>(c.label[run]) + 1] += c.end[run] - c.begin[run];
    }
    std::int64_t samples = 1;
    for (int a = 0; a < c.rank; ++a) samples *= c.shape[a];
    for (std::size_t i = 1; i < counts.size(); ++i) samples -= counts[i];
    counts[0] = samples;
    return counts;
}

std::int64_t count(const Components& components) {
    return components.count;
}

void write_enclosed(const Components& components, const std::vector<bool>& axes, const ArrayView& out,
                    const Exec& exec) {
    write_values(components, label::enclosed(components, axes), out, exec);
}

void fill_touched(const Components& components, const ArrayView& marks, const Exec& exec) {
    const label::Flags found = label::touched(components, marks, exec);
    const std::int64_t stride = marks.strides[components.rank - 1];
    label::for_rows<std::uint8_t>(components, marks, exec, [&](std::uint8_t* row, std::size_t r) {
        for (std::int64_t run = components.first_run[r]; run < components.first_run[r + 1]; ++run) {
            const auto component = static_cast<std::size_t>(components.label[run]) + 1;
            if (found[component].load(std::memory_order_relaxed) == 0) continue;
            label::fill<std::uint8_t>(row, stride, components.begin[run], components.end[run], 1);
        }
    });
}

}  // namespace voxkern::cpu
