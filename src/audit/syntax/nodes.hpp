/// A syntax tree as the flow walks it: the nodes of a tree-sitter tree in one list, children side
/// by side. The flow passes several times over each file and asks each node for its fields, its
/// n-th child and its parent, which the library finds by counting from the first child or from the
/// root. Immutable; holds nothing of the tree it was made of. A Node is a light view into its
/// Nodes.
///
/// Thread: made on any, then read by one.
#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "audit/syntax/tree.hpp"

namespace segue::audit {

/// The fields that the flow asks for, by their names in the grammars.
inline constexpr std::array<std::string_view, 38> kFields{
    "alias",      "arguments",   "array",    "attribute", "body",        "condition", "constructor",
    "expression", "field",       "function", "index",     "initializer", "iterable",  "key",
    "left",       "module_name", "name",     "object",    "operand",     "operator",  "package",
    "parameter",  "parameters",  "path",     "pattern",   "property",    "qualifier", "receiver",
    "result",     "return_type", "returns",  "right",     "scope",       "source",    "subscript",
    "tag",        "type",        "value"};

/// Its place in kFields, found by the compiler; a name that is not there does not compile.
struct Field {
    std::uint8_t index = 0;
    consteval Field(const char* name) {  // NOLINT(google-explicit-constructor): child(node, "name")
        while (kFields.at(index) != std::string_view(name))
            ++index;
    }
};

class Nodes;

class Node {
public:
    Node() = default;
    Node(const Nodes* all, std::uint32_t index) : all_(all), index_(index) {}

    bool is_null() const { return all_ == nullptr; }
    NodeKind kind() const;
    std::string_view type() const;  // as the grammar calls it; "" of a null node
    std::string_view text() const;
    std::uint32_t start() const;
    std::uint32_t end() const;
    Node parent() const;
    std::uint32_t named_count() const;
    Node named(std::uint32_t i) const;  // a null node when there are fewer
    Node child(Field field) const;      // the first one; a null node when there is none
    bool operator==(const Node&) const = default;

private:
    const Nodes* all_ = nullptr;
    std::uint32_t index_ = 0;
};

class Nodes {
public:
    /// `text` is what `tree` was made of, and must live as long as this.
    Nodes(const Tree& tree, std::string_view text);
    Nodes(Nodes&&) = delete;  // nodes point here

    Node root() const { return {this, 0}; }
    bool has_error() const { return has_error_; }

private:
    friend class Node;
    struct Item {
        std::uint32_t start = 0;
        std::uint32_t end = 0;
        std::uint32_t parent = kNone;
        std::uint32_t child = 0;  // the first of `count`
        std::uint32_t count = 0;
        std::uint32_t named = 0;  // the first of `named_count` in named_
        std::uint32_t named_count = 0;
        std::uint16_t type = 0;    // of types_
        std::uint16_t field = 0;   // of the parent that it is; 0: none
        std::uint64_t fields = 0;  // a bit for each field that a child is, by its last six bits
        NodeKind kind = NodeKind::kOther;
    };
    static constexpr std::uint32_t kNone = 0xffffffff;

    void take_children(TSTreeCursor& cursor, std::uint32_t at, std::vector<TSNode>& nodes,
                       const Tree& tree);
    std::uint16_t type_of(TSNode node);

    std::vector<Item> items_;
    std::vector<std::uint32_t> named_;
    std::vector<std::string_view> types_;  // by the grammar's symbol, the last one for errors
    std::array<std::uint16_t, kFields.size()> fields_{};  // the grammar's number; 0: it has none
    std::string_view text_;
    bool has_error_ = false;
};

inline NodeKind Node::kind() const {
    return is_null() ? NodeKind::kOther : all_->items_[index_].kind;
}
inline std::string_view Node::type() const {
    return is_null() ? std::string_view() : all_->types_[all_->items_[index_].type];
}
inline std::uint32_t Node::start() const {
    return is_null() ? 0 : all_->items_[index_].start;
}
inline std::uint32_t Node::end() const {
    return is_null() ? 0 : all_->items_[index_].end;
}
inline std::string_view Node::text() const {
    return is_null() ? std::string_view() : all_->text_.substr(start(), end() - start());
}
inline Node Node::parent() const {
    if (is_null() || all_->items_[index_].parent == Nodes::kNone) return {};
    return {all_, all_->items_[index_].parent};
}
inline std::uint32_t Node::named_count() const {
    return is_null() ? 0 : all_->items_[index_].named_count;
}
inline Node Node::named(std::uint32_t i) const {
    if (i >= named_count()) return {};
    return {all_, all_->named_[all_->items_[index_].named + i]};
}

inline Node child(Node node, Field field) {
    return node.child(field);
}
inline bool is_null(Node node) {
    return node.is_null();
}
/// The first that is there; a null node when none is.
inline Node first(std::initializer_list<Node> nodes) {
    for (const Node node : nodes)
        if (!node.is_null()) return node;
    return {};
}

}  // namespace segue::audit
