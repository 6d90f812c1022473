#include "audit/syntax/nodes.hpp"

namespace segue::audit {

Nodes::Nodes(const Tree& tree, std::string_view text) : text_(text), has_error_(tree.has_error()) {
    const TSNode root = tree.root();
    const auto* const language = ts_tree_language(root.tree);
    for (std::size_t i = 0; i < kFields.size(); ++i)
        fields_[i] = ts_language_field_id_for_name(language, kFields[i].data(),
                                                   static_cast<std::uint32_t>(kFields[i].size()));
    types_.resize(ts_language_symbol_count(language) + 1);
    const auto count = ts_node_descendant_count(root);
    items_.reserve(count);
    std::vector<TSNode> nodes{root};
    nodes.reserve(count);
    items_.push_back({ts_node_start_byte(root), ts_node_end_byte(root)});
    items_[0].type = type_of(root);
    items_[0].kind = tree.kind(root);
    TSTreeCursor cursor = ts_tree_cursor_new(root);
    // Level by level: so a node's children stand side by side.
    for (std::uint32_t at = 0; at < nodes.size(); ++at)
        take_children(cursor, at, nodes, tree);
    ts_tree_cursor_delete(&cursor);
}

void Nodes::take_children(TSTreeCursor& cursor, std::uint32_t at, std::vector<TSNode>& nodes,
                          const Tree& tree) {
    const auto first = static_cast<std::uint32_t>(nodes.size());
    const auto first_named = static_cast<std::uint32_t>(named_.size());
    std::uint64_t fields = 0;
    ts_tree_cursor_reset(&cursor, nodes[at]);
    for (bool more = ts_tree_cursor_goto_first_child(&cursor); more;
         more = ts_tree_cursor_goto_next_sibling(&cursor)) {
        const TSNode node = ts_tree_cursor_current_node(&cursor);
        Item item;
        item.start = ts_node_start_byte(node);
        item.end = ts_node_end_byte(node);
        item.parent = at;
        item.type = type_of(node);
        item.kind = tree.kind(node);
        item.field = ts_tree_cursor_current_field_id(&cursor);
        if (item.field != 0) fields |= std::uint64_t{1} << (item.field & 63U);
        if (ts_node_is_named(node)) named_.push_back(static_cast<std::uint32_t>(nodes.size()));
        nodes.push_back(node);
        items_.push_back(item);
    }
    auto& parent = items_[at];
    parent.child = first;
    parent.count = static_cast<std::uint32_t>(nodes.size()) - first;
    parent.named = first_named;
    parent.named_count = static_cast<std::uint32_t>(named_.size()) - first_named;
    parent.fields = fields;
}

std::uint16_t Nodes::type_of(TSNode node) {
    const auto symbol = ts_node_symbol(node);
    const auto last = static_cast<std::uint16_t>(types_.size() - 1);
    const auto type = symbol < last ? symbol : last;
    if (types_[type].empty()) types_[type] = ts_node_type(node);
    return type;
}

Node Node::child(Field field) const {
    if (is_null()) return {};
    const auto wanted = all_->fields_[field.index];
    const auto& item = all_->items_[index_];
    if (wanted == 0 || (item.fields >> (wanted & 63U) & 1U) == 0) return {};
    for (std::uint32_t i = item.child; i < item.child + item.count; ++i)
        if (all_->items_[i].field == wanted) return {all_, i};
    return {};
}

}  // namespace segue::audit
