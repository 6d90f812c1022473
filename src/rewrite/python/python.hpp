/// Helpers over Python's syntax tree that the Python families share. Nodes live as long as the
/// tree.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "rewrite/code/reply.hpp"
#include "rewrite/core/attempt.hpp"
#include "rewrite/core/elements.hpp"
#include "rewrite/core/node.hpp"
#include "rewrite/core/places.hpp"
#include "rewrite/core/workspace.hpp"

namespace segue::rewrite::python {

/// Content of a plain string literal; nothing for f-strings with holes and for anything else.
std::optional<std::string> string_value(Node node);
/// The function around a node, or the module.
Node scope_of(Node node);
/// Where `name` is read or written in a scope: no attributes, no keyword names.
std::vector<Node> names_in(Node scope, std::string_view name);
/// Keyword argument by name.
Node keyword(Node arguments, std::string_view name);
/// The last plain import at the top of the module; where a new statement can follow.
std::size_t after_imports(Node root);
/// Where a new import can stand: before the first one, behind the docstring and __future__.
std::size_t before_imports(Node root);
bool imports_module(Node root, std::string_view name);
/// The text that makes OpenAI's address of the native one: with /v1. No value: what Ollama's own
/// package reads. Also of the key.
std::string openai_base(Attempt& attempt, Node value);
std::string openai_key(Attempt& attempt);
/// Imports what the attempt wants and neither the module nor `done` has yet.
void import_wanted(Attempt& attempt, Node root, std::set<std::string>& done);

/// Follows a reply to where it is read, and rewrites the ways into it; the attempt fails when it
/// cannot.
class Replies : AttemptPart {
public:
    explicit Replies(Attempt& attempt) : AttemptPart(attempt) {}

    /// `value` is an expression that yields a native reply.
    bool follow(Node value, const Reading& reading);
    /// A name that is bound to one chunk of a stream inside `scope`.
    bool chunk(Node scope, std::string_view name, Node binding, const Reading& reading);

private:
    struct Way {
        Node root;   // the reply, with await and parentheses
        Node outer;  // with all that reads from it
        std::vector<std::string> keys;
        std::vector<Node> steps;  // the node after each key
        std::string otherwise;    // the default of a .get()
    };
    Way way_from(Node value) const;
    bool use(Node value, const Reading& reading);
    bool whole(const Way& way, const Reading& reading);
    bool loop(Node target, Node body, Node clause, const Reading& reading);
    bool bind(Node target, const Reading& reading, bool message);
    bool message_use(Node name, const Reading& reading);
    bool tool_calls(Node list, const Reading& reading);
    bool tool_call_loop(Node body, Node target, const Reading& reading);
    bool tool_call_names(Node scope, Node target, const Reading& reading);
    bool tool_call(Node call, const Reading& reading);
    bool models(Node list, const Reading& reading);
    bool model_names(Node scope, Node target, const Reading& reading);
    bool drop_done(Node outer);
    bool drop_other_endpoint(const Way& way, const Reading& reading);
    bool returned(Node statement, const Reading& reading);
    void put(Node root, std::size_t end, const NewWay& fresh, Node outer);
    Reading quoted(Reading reading, Node at) const;

    std::set<std::size_t> seen_;
};

}  // namespace segue::rewrite::python
