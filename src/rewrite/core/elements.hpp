/// Pieces of a syntax tree that edits take out or look for, whatever the language. Nodes live as
/// long as their tree.
#pragma once

#include <concepts>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "rewrite/core/node.hpp"
#include "rewrite/core/places.hpp"
#include "rewrite/core/workspace.hpp"

namespace segue::rewrite {

/// Blanks in front of the line that holds the place.
std::string indent_at(std::string_view text, std::size_t at);
/// One element of an argument list, dictionary or list, with its comma; the whole line where it
/// stands alone.
Range element_range(Node element, std::string_view text);
/// Takes a statement out, up to the next one: what another edit puts in front of this one stays in
/// front of that.
void drop_statement(Group& group, const File& file, Node statement, int rule);
/// The call whose argument is the one use of a bound name; nothing where it is used otherwise, or
/// twice. `names`: where the name stands in its scope; `arguments`: the type of an argument list.
Node only_call_with(const std::vector<Node>& names, Node bound, std::string_view arguments);

/// What moves the connectors of a framework in one file.
template <class T>
concept Connector = requires(T connector) {
    { connector.look() } -> std::same_as<bool>;  // there is one
    { connector.run() } -> std::same_as<bool>;   // it is moved
    { connector.take() } -> std::same_as<Group>;
    { connector.why() } -> std::convertible_to<std::string>;  // it stays
    { connector.where() } -> std::convertible_to<std::size_t>;
};

/// All of them in the files that `wanted` names; one that cannot be moved becomes a to-do.
template <Connector C, std::predicate<const File&> Wanted>
std::vector<Group> move_connectors(const Workspace& workspace, Wanted wanted) {
    std::vector<Group> groups;
    for (const auto& [path, file] : workspace.files) {
        if (!file.editable() || !wanted(file) || !audit::has_word(file.text)) continue;
        C connector(file);
        if (!connector.look()) continue;
        if (connector.why().empty() && connector.run()) {
            groups.push_back(connector.take());
            continue;
        }
        Group told;
        told.rule = 102;
        told.note(file, connector.where(), "the framework's connector stays: " + connector.why(),
                  "use its OpenAI-compatible class by hand");
        groups.push_back(std::move(told));
    }
    return groups;
}

}  // namespace segue::rewrite
