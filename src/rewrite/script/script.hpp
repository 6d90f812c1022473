/// JavaScript and TypeScript: helpers over the tree, and how a native reply and a native request
/// become OpenAI's. Nodes live as long as their tree.
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

namespace segue::rewrite::script {

bool is_script(Language language);
/// The text that the grammar reads, and its tree; offsets are the file's.
struct Parsed {
    std::string text;
    Language language = Language::kJavaScript;
    std::optional<audit::Tree> tree;
    bool typed() const { return language == Language::kTypeScript || language == Language::kTsx; }
};
/// In place, because the tree points into the text.
void parse(const File& file, Parsed& out);

std::optional<std::string> string_value(Node node);
Node scope_of(Node node);
/// Identifiers with this text that are no property names.
std::vector<Node> names_in(Node scope, std::string_view name);
/// A member of an object literal: pair, shorthand or method; by name.
Node member(Node object, std::string_view name);
/// Behind the last import or require at the top.
std::size_t after_imports(Node root);
/// The file ends its statements with semicolons.
bool semicolons(std::string_view text);
/// The quote that its strings have.
char quote_of(std::string_view text);

/// The text that makes OpenAI's address of the native one: with /v1. No value: what Ollama's own
/// package reads. Also of the key.
std::string openai_base(Node value, char quote);
std::string openai_key(char quote);

class Replies : AttemptPart {
public:
    Replies(Attempt& attempt, Node root) : AttemptPart(attempt), root_(root) {}
    bool follow(Node value, const Reading& reading);
    bool chunk(Node scope, std::string_view name, Node binding, const Reading& reading);

private:
    struct Way {
        Node root;
        Node outer;
        std::vector<std::string> keys;
        std::vector<Node> steps;
    };
    Way way_from(Node value) const;
    bool use(Node value, const Reading& reading);
    bool whole(const Way& way, const Reading& reading);
    bool bind(Node target, const Reading& reading);
    bool message(Node target, const Reading& reading);
    bool unpack(Node pattern, Node value, const Reading& reading);
    bool tool_calls(Node list, const Reading& reading);
    bool tool_call_loop(Node body, Node target, const Reading& reading);
    bool tool_call_names(Node scope, Node target);
    bool tool_call(Node call);
    bool tool_call_fields(Node pattern);
    bool models(Node list, const Reading& reading);
    bool model_names(Node scope, Node target, const Reading& reading);
    bool drop_done(Node outer);
    bool drop_other_endpoint(const Way& way, const Reading& reading);
    bool declared(std::string_view type, Node at, const Reading& reading);
    void put(Node root, std::size_t end, const NewWay& fresh, Node outer);

    Node root_;
    std::set<std::string> types_;
    std::set<std::size_t> seen_;
};

class Request : AttemptPart {
public:
    Request(Attempt& attempt, bool typed) : AttemptPart(attempt), typed_(typed) {}
    /// An object literal: the argument of a client's method, or what becomes the JSON body.
    bool object(Node literal, Endpoint endpoint, bool sdk, bool must_stream);
    /// dual: the model's name goes through this function.
    void model_through(std::string function) { model_through_ = std::move(function); }
    bool streams() const { return streams_; }
    bool casts_messages() const { return casts_; }

private:
    bool options(Node value, std::vector<std::string>& plain, std::vector<std::string>& extra);
    void replace(Node whole, const std::vector<std::string>& texts);
    bool messages(Node value, bool sdk);
    static std::string parts_with(std::string_view text, std::string_view images);
    static std::string image_parts(Node images);

    bool typed_;
    bool streams_ = false;
    bool casts_ = false;
    std::string model_through_;
};

}  // namespace segue::rewrite::script
