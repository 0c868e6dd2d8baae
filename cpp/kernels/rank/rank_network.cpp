// SPDX-License-Identifier: Apache-2.0
#include "kernels/rank/rank_network.hpp"

#include <algorithm>

namespace voxkern::rank {

int Code::operands_of(const Step& step) {
    switch (step.op) {
        case Op::sort: return 2 * step.p;
        case Op::merge: return 2 * (step.p + step.q);
        case Op::swap: return 4 * step.p;
        case Op::low:
        case Op::high: return 3;
        case Op::pick: return 2 * step.p + 1;
    }
    return 0;
}

Network::List Network::given(std::int32_t first_row, std::int32_t count) {
    List list;
    for (std::int32_t i = 0; i < count; ++i) {
        list.push_back(static_cast<Value>(given_row_.size()));
        given_row_.push_back(first_row + i);
    }
    return list;
}

Network::Value Network::add(Op op, std::int32_t p, std::int32_t q, std::vector<std::int32_t> sources,
                            std::int32_t count) {
    const auto first = static_cast<Value>(given_row_.size());
    nodes_.push_back({op, p, q, std::move(sources), first, count});
    given_row_.resize(given_row_.size() + static_cast<std::size_t>(count), -1);
    return first;
}

Network::List Network::sort(const std::vector<std::int32_t>& taps) {
    const auto n = static_cast<std::int32_t>(taps.size());
    if (n <= kSortMost) {
        const Value first = add(Op::sort, n, 0, taps, n);
        List list;
        for (std::int32_t i = 0; i < n; ++i) list.push_back(first + i);
        return list;
    }
    std::vector<List> lists;
    const std::int32_t pieces = (n + kSortMost - 2) / (kSortMost - 1);
    for (std::int32_t i = 0; i < pieces; ++i) {
        lists.push_back(sort({taps.begin() + n * i / pieces, taps.begin() + n * (i + 1) / pieces}));
    }
    return merge(std::move(lists));
}

Network::List Network::merge(const List& a, const List& b) {
    if (a.empty() || b.empty()) return a.empty() ? b : a;
    const auto p = static_cast<std::int32_t>(a.size());
    const auto q = static_cast<std::int32_t>(b.size());
    List merged;
    if (p <= kMergeMost && q <= kMergeMost && std::abs(p - q) <= 1) {
        List sources = a;
        sources.insert(sources.end(), b.begin(), b.end());
        const Value first = add(Op::merge, p, q, std::move(sources), p + q);
        for (std::int32_t i = 0; i < p + q; ++i) merged.push_back(first + i);
        return merged;
    }
    List parts[2][2];
    for (std::size_t i = 0; i < a.size(); ++i) parts[i % 2][0].push_back(a[i]);
    for (std::size_t i = 0; i < b.size(); ++i) parts[i % 2][1].push_back(b[i]);
    const List even = merge(parts[0][0], parts[0][1]);
    const List odd = merge(parts[1][0], parts[1][1]);
    merged.push_back(even[0]);
    for (std::size_t i = 0; i < odd.size() || i + 1 < even.size(); ++i) {
        if (i < odd.size() && i + 1 < even.size()) {
            const Value both = add(Op::merge, 1, 1, {odd[i], even[i + 1]}, 2);
            merged.push_back(both);
            merged.push_back(both + 1);
        } else {
            merged.push_back(i < odd.size() ? odd[i] : even[i + 1]);
        }
    }
    return merged;
}

Network::List Network::merge(std::vector<List> lists) {
    const auto longer = [](const List& a, const List& b) { return a.size() > b.size(); };
    while (lists.size() > 1) {
        std::stable_sort(lists.begin(), lists.end(), longer);
        const List last = std::move(lists.back());
        lists.pop_back();
        lists.back() = merge(lists.back(), last);
    }
    return lists.empty() ? List{} : lists.front();
}

// j samples of b and k + 1 - j of a: the least of the largest samples of these choices.
Network::Value Network::select(const List& a, const List& b, std::int64_t k) {
    const auto p = static_cast<std::int64_t>(a.size());
    const auto q = static_cast<std::int64_t>(b.size());
    std::vector<std::int32_t> pairs;
    for (std::int64_t j = std::max<std::int64_t>(0, k + 1 - p); j <= std::min(q, k + 1); ++j) {
        const Value in_a = j <= k ? a[static_cast<std::size_t>(k - j)] : -1;
        const Value in_b = j > 0 ? b[static_cast<std::size_t>(j - 1)] : in_a;
        pairs.push_back(in_a < 0 ? in_b : in_a);
        pairs.push_back(in_b);
    }
    const auto n = static_cast<std::int32_t>(pairs.size() / 2);
    return add(Op::pick, n, 0, std::move(pairs), 1);
}

Network::Value Network::select(const std::vector<std::int32_t>& taps, std::int64_t k) {
    if (taps.size() <= kSortMost) return sort(taps)[static_cast<std::size_t>(k)];
    const auto half = taps.begin() + static_cast<std::ptrdiff_t>(taps.size() / 2);
    return select(sort({taps.begin(), half}), sort({half, taps.end()}), k);
}

std::vector<bool> Network::needed(const List& values) const {
    std::vector<bool> need(given_row_.size(), false);
    for (const Value value : values) need[static_cast<std::size_t>(value)] = true;
    for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
        const auto first = need.begin() + node->first;
        if (node->op == Op::sort || std::none_of(first, first + node->count, [](bool one) { return one; })) continue;
        for (const Value source : node->sources) need[static_cast<std::size_t>(source)] = true;
    }
    return need;
}

std::vector<bool> Network::needs(const List& values, std::int32_t rows) const {
    const std::vector<bool> need = needed(values);
    std::vector<bool> found(static_cast<std::size_t>(rows), false);
    for (std::size_t v = 0; v < need.size(); ++v) {
        if (need[v] && given_row_[v] >= 0) found[static_cast<std::size_t>(given_row_[v])] = true;
    }
    return found;
}

Code Network::code(const std::vector<std::pair<Value, std::int32_t>>& results, std::int32_t free_row) const {
    List wanted;
    for (const auto& result : results) wanted.push_back(result.first);
    const std::vector<bool> need = needed(wanted);
    std::vector<std::int32_t> row = given_row_;
    std::vector<std::size_t> last_use(row.size(), 0);
    for (const auto& [value, to] : results) row[static_cast<std::size_t>(value)] = to;
    std::vector<bool> fixed(row.size());
    for (std::size_t v = 0; v < row.size(); ++v) fixed[v] = row[v] >= 0;

    const auto is_needed = [&](const Node& node, std::int32_t i) {
        return static_cast<bool>(need[static_cast<std::size_t>(node.first + i)]);
    };
    std::vector<const Node*> kept;
    for (const Node& node : nodes_) {
        bool any = false;
        for (std::int32_t i = 0; i < node.count; ++i) any = any || is_needed(node, i);
        if (!any) continue;
        kept.push_back(&node);
        for (const Value source : node.op == Op::sort ? List{} : node.sources) {
            last_use[static_cast<std::size_t>(source)] = kept.size();
        }
    }

    Code code;
    code.rows = free_row;
    List unused;
    const auto release = [&](std::size_t value, std::size_t now) {
        if (!fixed[value] && last_use[value] <= now) unused.push_back(row[value]);
    };
    for (std::size_t k = 0; k < kept.size(); ++k) {
        const Node& node = *kept[k];
        Step step = {node.op, node.p, node.q, static_cast<std::int32_t>(code.operands.size())};
        const bool one = node.op == Op::merge && node.count == 2 && is_needed(node, 0) != is_needed(node, 1);
        if (one) step.op = is_needed(node, 0) ? Op::low : Op::high;
        if (node.op == Op::sort) code.operands.insert(code.operands.end(), node.sources.begin(), node.sources.end());
        List sources = node.op == Op::sort ? List{} : node.sources;
        for (const Value source : sources) code.operands.push_back(row[static_cast<std::size_t>(source)]);
        // A result may stand where a source stood: a step reads before it writes.
        std::sort(sources.begin(), sources.end());
        sources.erase(std::unique(sources.begin(), sources.end()), sources.end());
        for (const Value source : sources) {
            if (last_use[static_cast<std::size_t>(source)] == k + 1) release(static_cast<std::size_t>(source), k + 1);
        }
        for (std::int32_t i = 0; i < node.count; ++i) {
            const auto value = static_cast<std::size_t>(node.first + i);
            if (one && !is_needed(node, i)) continue;
            if (!fixed[value]) {
                if (unused.empty()) unused.push_back(code.rows++);
                row[value] = unused.back();
                unused.pop_back();
            }
            code.operands.push_back(row[value]);
        }
        for (std::int32_t i = 0; i < node.count; ++i) {  // results that nobody reads
            const auto value = static_cast<std::size_t>(node.first + i);
            if (!(one && !is_needed(node, i))) release(value, k);
        }
        // Pairs in a row are one step: their operands follow each other.
        if (step.op == Op::merge && step.p == 1 && step.q == 1) step = {Op::swap, 1, 0, step.first};
        const bool again = step.op == Op::swap && !code.steps.empty() && code.steps.back().op == Op::swap;
        if (again) ++code.steps.back().p;
        if (!again) code.steps.push_back(step);
    }
    return code;
}

}  // namespace voxkern::rank
