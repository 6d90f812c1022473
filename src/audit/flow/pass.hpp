/// One pass over one file: what each expression stands for, and where that must be said. Made for
/// one pass and thrown away; what it learns stays in the World. The parts of the class lie in
/// pass.cpp (names, places, statements), imports.cpp, definitions.cpp, expressions.cpp,
/// strings.cpp, calls.cpp and requests.cpp.
#pragma once

#include <algorithm>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/flow/world.hpp"
#include "audit/read/token.hpp"

namespace segue::audit {

inline bool one_of(std::string_view name, std::initializer_list<std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}
/// A name that is read from the environment: capitals, digits, '_'.
bool is_env_like(std::string_view name);
/// A package that speaks Ollama's protocol itself; all others are frameworks' connectors.
bool is_native_package(std::string_view module);
/// What a name of an Ollama package (or of a connector) stands for.
std::uint32_t import_traits(std::string_view name, bool connector);
/// A URL that names another engine, or has vLLM's port: the default of a name that says Ollama.
bool is_other_engine(std::string_view text);
/// What a text says whatever stands around it: an address, a tag of a family that is known.
std::uint32_t traits_of_text(std::string_view text);
/// `a, b` behind `return` or `=`.
bool lists_several(Node node);
/// A string literal without its quotes and prefixes.
std::string_view unquoted(std::string_view text);

/// How the surroundings use an expression.
enum class Place : std::uint8_t { kValue, kObject, kCallee, kType };

struct Argument {
    Node node{};
    Node key{};  // of a keyword argument
    std::string_view name;
    Value value;
};
using Arguments = std::vector<Argument>;
/// Gets key node, key and value node.
using FieldVisitor = std::function<void(Node, std::string_view, Node)>;

class Pass {
public:
    Pass(World& world, std::size_t index, bool emit)
        : world_(world),
          index_(index),
          file_(world.files[index]),

          emit_(emit) {}

    void run() {
        file_.passed = world_.clock();
        file_.read.clear();
        file_.imports.clear();
        scopes_.push_back(0);
        visit_children(file_.nodes->root());
    }

private:
    static constexpr int kMaxDepth = 600;

    // Names.
    std::string id(std::string_view what) const;
    const Value* lookup(std::string_view name) const;
    // Each way to read or change what outlives the pass, so that the World knows of it.
    const Names& attributes(int shape) const;
    /// Of a module of the project; none while nothing is known of it.
    const Names* module_names(std::size_t file) const;
    const Function& function_at(int function) const;
    std::optional<std::size_t> resolve(std::string_view module) const;
    void learn_name(std::size_t file, std::uint32_t scope, std::string_view name,
                    const Value& value);
    void learn_attribute(int shape, std::string_view name, const Value& value);
    void learn_attributes(int shape, const Names& names);
    void learn_result(int function, const Value& value);
    void learn_choice(int function);
    void learn_parameters(int function, std::vector<std::string> names);
    int go_type(std::string_view name) const;
    /// What a call of it gives by itself, whoever calls.
    Value result_of(int function) const;
    void bind(std::string_view name, const Value& value);
    /// Also in the functions around: `reply = …` in a callback fills a variable of theirs.
    void bind_outward(std::string_view name, const Value& value);
    Value attribute_of(int shape, std::string_view name) const;
    /// What a function gives that returns several values: an instance with the attributes "#0",
    /// "#1" and so on.
    int several_of(int function) { return world_.shape(id("return " + std::to_string(function))); }
    bool is_several(const Value& value) const;
    Value with(std::uint32_t traits, Node node, std::string_view what) const;

    // Places.
    std::uint32_t place(std::uint32_t offset) const;
    std::uint32_t line_of(Node node) const;
    std::string_view text(Node node) const { return node.text(); }
    NodeKind kind(Node node) const { return node.kind(); }
    void emit(Role role, std::uint32_t begin, std::uint32_t end, const Value& value,
              Confidence confidence = Confidence::kCertain);
    void emit(Role role, Node node, const Value& value,
              Confidence confidence = Confidence::kCertain);
    /// While a condition is looked at: what is only compared need not change by itself.
    class Asking {
    public:
        Asking(Pass& pass, bool asking) : pass_(pass), was_(pass.asking_) {
            pass.asking_ = pass.asking_ || asking;
        }
        ~Asking() { pass_.asking_ = was_; }
        Asking(const Asking&) = delete;
        Asking& operator=(const Asking&) = delete;

    private:
        Pass& pass_;
        bool was_;
    };
    /// A name whose value must be said where it is used.
    void emit_use(Node node, const Value& value, Place where);

    // Statements.
    void visit_children(Node node);
    void visit(Node node);
    void returns(Node node);
    Value return_several(Node list);
    void loop(Node node);

    // Imports.
    bool local(std::string_view module) const;
    void import(Node node);
    void import_python(Node node, std::string_view type);
    void import_script(Node node);
    void import_go(Node node);
    /// Java and Rust: the last parts of the path are bound.
    void import_path(Node node);
    void import_java_local(std::string_view module, std::string_view line);
    void import_local(std::string_view module, std::optional<std::size_t> file,
                      std::string_view name, std::string_view bound, Node node);
    /// `export { a } from './b'`, `export * from './b'`.
    void reexport(Node node);
    /// `module.exports = …`, `exports.name = …`.
    void common_export(Node target, const Value& value);
    Value module_value(std::size_t file);

    // Functions, classes and what is bound.
    Value function(Node node, std::string_view bound);
    /// @property, `get name()`: an attribute with the value that it returns.
    void property(Node node, std::string_view name, const Value& result);
    int go_receiver(Node node);
    int go_shape(std::string_view type);
    void parameter(Node node, std::vector<std::string>& names);
    /// What a value of this type is.
    Value instance(const Value& type, Node node);
    void class_body(Node node);
    /// `type Params = { client: Ollama }` of TypeScript.
    void type_alias(Node node);
    void bases(Node node, int shape, Value& value);
    void bind_target(Node target, const Value& value);
    void destructure(Node pattern, const Value& value);
    Value assign(Node node);
    /// `a, err := f(), g()`: what the first name gets.
    Value eval_first(Node list);
    /// Fields of a reply's shape in a type: `json:"done"`, `response: string`.
    void reply_fields(Node type, const Value& reply, int depth);
    /// A class or type that says by its name that it is a request or a reply of Ollama's.
    void declared_fields(Node body, std::string_view type_name);

    // Expressions.
    Value eval(Node node, Place where);
    Value eval_inner(Node node, Place where);
    /// Evaluates without saying anything: the node was visited already.
    Value quiet(Node node);
    Value self() const;
    Value name(Node node, Place where);
    std::pair<Node, Node> member_parts(Node node) const;
    /// What `owner.key` (or owner["key"]) is.
    Value member(const Value& owner, std::string_view key, Node node, Place where, bool pattern);
    /// A setting of another engine or provider: a name of the environment without the word, a text.
    bool is_another_setting(Node node, const Value& value) const;
    /// A name of the environment, or another one, that says that it stands for the address or a
    /// model.
    Value environment(std::string_view name, Node node) const;
    Value index(Node node, Place where);
    /// The text of a string literal without holes; empty for anything else.
    std::string_view literal(Node node) const;
    /// What a literal says by itself.
    std::uint32_t literal_traits(std::string_view text) const;
    /// A whole native path on a base that nothing is known of, where the surroundings speak of
    /// Ollama.
    bool is_native_request(Node node, std::string_view text) const;
    /// A path behind an address: "/api/chat", or "/chat" when the address ends in /api.
    void tail(std::string_view part, std::uint32_t offset, const Value& base);
    Value string(Node node);
    /// a + b, a or b, a ? b : c.
    Value mix(Node node);
    Value object(Node node);
    /// The file sends to a native path, or uses the package: then a body with model and messages is
    /// a native request.
    bool native_request_near() const;
    Node pair_key(Node pair) const;
    Node pair_value(Node pair) const;
    std::string_view key_text(Node key) const;

    // Calls.
    Arguments arguments(Node node);
    /// Keywords, and the members of object arguments.
    void fields(const Arguments& list, const FieldVisitor& each);
    void object_fields(Node node, const FieldVisitor& each, int depth);
    void native_fields(const Arguments& list, const Value& callee);
    std::string_view last_name(Node callee) const;
    Node last_node(Node callee) const;
    Value made(Node node);
    Value call(Node node);
    bool asks_client(Node object, std::string_view name, const Arguments& list);
    /// Functions that are handed to a call: a Go callback gets the reply, a `.then` what was
    /// awaited.
    void callbacks(std::string_view name, Arguments& list, const Value& what, const Value& result);
    /// A caller's argument: true of its call only.
    void give(const Function& function, std::size_t position, const Value& value);
    void bind_parameter(const Function& function, std::size_t position, const Value& value);
    /// What a call gives, and what it does to its arguments.
    Value called(Node name_node, const Value& what, const Value& owner, const Arguments& list);
    /// Model names and options that reach a client, its maker or one of its methods.
    void client_arguments(const Value& what, const Arguments& list);
    /// A function of the project: its parameters get the arguments.
    Value enter(int function, const Arguments& list);
    /// json(), iter_lines(), getReader(), get("message") of a reply; loads(reply).
    void read_reply(Node name_node, const Value& what, const Value& owner, const Arguments& list,
                    Value& value);
    void fill(Node target, const Value& reply);
    /// urljoin(), new URL(), Sprintf() and the like: an address goes in, an address comes out.
    void make_url(std::string_view name, const Value& owner, const Arguments& list, Value& value);

    // Requests and settings.
    /// Requests over HTTP: what goes to the address comes back as a native reply.
    void http(std::string_view name, const Value& owner, const Arguments& list, Value& value);
    void http_client_call(std::string_view name, const Value& owner, const Arguments& list,
                          Value& value);
    /// axios.create({ baseURL }), new OpenAI({ baseURL }): the address is a member.
    Value address_field(const Arguments& list);
    void model_fields(const Arguments& list);
    /// os.getenv("X", default), config.get("x"), Field(default, alias="X").
    void settings(std::string_view name, const Arguments& list, Value& value);

    World& world_;
    std::size_t index_;
    FlowFile& file_;
    bool emit_;
    int depth_ = 0;
    bool muted_ = false;   // inside a message or a log
    bool asking_ = false;  // inside a condition
    bool in_class_body_ = false;
    std::vector<std::uint32_t> scopes_;
    std::vector<int> functions_;
    std::vector<int> classes_;
    std::map<int, int> constructors_;
    std::set<std::pair<std::uint32_t, std::string>>
        globals_;                                            // Python: `global name` of a function
    std::map<std::string, Node, std::less<>> struct_types_;  // Go: `var out struct { … }`
    mutable int native_request_ = -1;
};

}  // namespace segue::audit
