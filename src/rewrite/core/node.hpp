/// A light view of a syntax node with its text: what the transformations walk. Lives as long as the
/// Tree that it came from.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "audit/syntax/tree.hpp"

namespace segue::rewrite {

class Node {
public:
    Node() = default;
    Node(TSNode node, const audit::Tree* tree) : node_(node), tree_(tree) {}

    explicit operator bool() const { return tree_ != nullptr && !ts_node_is_null(node_); }
    std::string_view type() const { return *this ? ts_node_type(node_) : ""; }
    bool is(std::string_view type) const { return this->type() == type; }
    std::string_view text() const { return *this ? tree_->text(node_) : std::string_view(); }
    std::size_t start() const { return ts_node_start_byte(node_); }
    std::size_t end() const { return ts_node_end_byte(node_); }
    std::uint32_t row() const { return ts_node_start_point(node_).row; }
    std::uint32_t column() const { return ts_node_start_point(node_).column; }
    Node parent() const { return {ts_node_parent(node_), tree_}; }
    Node field(std::string_view name) const {
        return *this ? Node(audit::child(node_, name), tree_) : Node();
    }
    std::uint32_t count() const { return *this ? ts_node_named_child_count(node_) : 0; }
    Node at(std::uint32_t i) const { return {ts_node_named_child(node_, i), tree_}; }
    Node next() const { return {ts_node_next_named_sibling(node_), tree_}; }
    Node previous() const { return {ts_node_prev_named_sibling(node_), tree_}; }
    std::vector<Node> children() const {
        std::vector<Node> out;
        for (std::uint32_t i = 0; i < count(); ++i)
            out.push_back(at(i));
        return out;
    }
    bool operator==(const Node& other) const { return ts_node_eq(node_, other.node_); }
    bool inside(const Node& other) const {
        return start() >= other.start() && end() <= other.end();
    }
    bool has_error() const { return ts_node_has_error(node_); }

    /// Calls `visit` for this node and all below it, in order of the text; false stops descending.
    template <class Visit>
    void walk(Visit&& visit) const {
        if (!*this || !visit(*this)) return;
        for (std::uint32_t i = 0; i < count(); ++i)
            at(i).walk(visit);
    }
    /// The nearest node above (not this one) of one of the types.
    Node above(std::initializer_list<std::string_view> types) const {
        for (Node up = parent(); up; up = up.parent())
            for (const auto type : types)
                if (up.is(type)) return up;
        return {};
    }

private:
    TSNode node_{};
    const audit::Tree* tree_ = nullptr;
};

inline Node root_of(const audit::Tree& tree) {
    return {tree.root(), &tree};
}

}  // namespace segue::rewrite
