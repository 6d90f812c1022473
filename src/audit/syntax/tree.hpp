/// The grammars behind one header: parse a text, walk its nodes. Only this folder and
/// src/audit/flow know tree-sitter. A Tree owns its nodes; Node is a light view into it.
#pragma once

#include <tree_sitter/api.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/read/form.hpp"

namespace segue::audit {

/// What a node means, the same over all languages; each grammar's names are mapped once.
enum class NodeKind : std::uint8_t {
    kOther,
    kName,
    kString,
    kNumber,
    kMember,
    kIndex,
    kCall,
    kNew,
    kThrough,
    kMix,
    kObject,
    kPair,
    kKeyword,
    kList,
    kAssign,
    kFunction,
    kClass,
    kReturn,
    kFor,
    kWith,
    kImport,
    kParameter,
    kComment,
    kSelf,
    kError
};

class Tree {
public:
    /// Nothing when there is no grammar for the language. A text with errors still gives a tree.
    static std::optional<Tree> parse(Language language, std::string_view text);
    TSNode root() const { return ts_tree_root_node(tree_.get()); }
    NodeKind kind(TSNode node) const;
    std::string_view text(TSNode node) const;
    bool has_error() const { return ts_node_has_error(root()); }
    Language language() const { return language_; }

private:
    struct Free {
        void operator()(TSTree* tree) const { ts_tree_delete(tree); }
    };
    Tree(TSTree* tree, Language language, std::string_view text);
    std::unique_ptr<TSTree, Free> tree_;
    Language language_;
    std::string_view text_;               // the caller's; must live as long
    const std::vector<NodeKind>* kinds_;  // of the grammar; lives as long as the program
};

bool has_grammar(Language language);
/// Every grammar's ABI is one that the runtime reads; names the first that is not. Checked at
/// start.
std::optional<std::string> grammar_mismatch();

/// A child by field name; a null node when there is none.
TSNode child(TSNode node, std::string_view field);
inline bool is_null(TSNode node) {
    return ts_node_is_null(node);
}

}  // namespace segue::audit
