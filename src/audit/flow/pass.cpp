// One pass over one file: what each expression stands for, and where that must be said.
#include <algorithm>
#include <array>
#include <cctype>

#include "audit/flow/world.hpp"
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

using namespace trait;
using NameList = std::initializer_list<std::string_view>;

bool one_of(std::string_view name, NameList names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_env_like(std::string_view name) {
    return name.size() >= 4 && name.find('_') != std::string_view::npos &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return std::isupper(static_cast<unsigned char>(c)) != 0 ||
                      std::isdigit(static_cast<unsigned char>(c)) != 0 || c == '_';
           });
}

/// How the surroundings use an expression.
enum class Place : std::uint8_t { kValue, kObject, kCallee, kType };

class Pass {
public:
    Pass(World& world, std::size_t index, bool emit)
        : world_(world),
          index_(index),
          file_(world.files[index]),
          tree_(*file_.tree),
          emit_(emit) {}

    void run() {
        scopes_.push_back(0);
        visit_children(tree_.root());
    }

private:
    static constexpr int kMaxDepth = 600;

    // --- names -----------------------------------------------------------------------------------
    std::string id(std::string_view what) const {
        return file_.parsed->source.path() + ":" + std::string(what);
    }

    const Value* lookup(std::string_view name) const {
        for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
            const auto names = file_.scopes.find(*scope);
            if (names == file_.scopes.end()) continue;
            const auto found = names->second.find(name);
            if (found != names->second.end()) return &found->second;
        }
        return nullptr;
    }
    void note_change(bool changed) { world_.changed = world_.changed || changed; }
    static bool says_something(const Value& v) {
        return (v.traits | v.returns) != 0 || v.shape >= 0 || v.returns_shape >= 0 ||
               v.function >= 0;
    }
    void bind(std::string_view name, const Value& value) {
        if (name.empty() || name == "_" || !says_something(value)) return;
        if (in_class_body_ && !classes_.empty()) {
            note_change(attribute(classes_.back(), name).merge(value));
            // Class attributes are also seen by name inside the body.
        }
        note_change(file_.scopes[scopes_.back()][std::string(name)].merge(value));
    }
    Value& attribute(int shape, std::string_view name) {
        return world_.shapes[static_cast<std::size_t>(shape)][std::string(name)];
    }
    Value attribute_of(int shape, std::string_view name) const {
        const auto& names = world_.shapes[static_cast<std::size_t>(shape)];
        const auto found = names.find(name);
        return found == names.end() ? Value{} : found->second;
    }
    Value with(std::uint32_t traits, TSNode node, std::string_view what) const {
        Value value;
        value.traits = traits;
        value.from = {file_.parsed->source.path(), line_of(node), std::string(what)};
        return value;
    }

    // --- places ----------------------------------------------------------------------------------
    std::uint32_t place(std::uint32_t offset) const {
        if (file_.origin.empty()) return offset;
        return offset < file_.origin.size() ? file_.origin[offset]
               : file_.origin.empty()       ? 0
                                            : file_.origin.back();
    }
    std::uint32_t line_of(TSNode node) const {
        return file_.parsed->source.line_of(place(ts_node_start_byte(node))) + 1;
    }
    std::string_view text(TSNode node) const { return tree_.text(node); }
    NodeKind kind(TSNode node) const { return is_null(node) ? NodeKind::kOther : tree_.kind(node); }

    void emit(Role role, std::uint32_t begin, std::uint32_t end, const Value& value,
              Confidence confidence = Confidence::kCertain) {
        if (!emit_ || begin >= end) return;
        begin = place(begin);
        end = std::max(begin + 1, place(end - 1) + 1);
        if (!file_.emitted.emplace(begin, static_cast<int>(role)).second) return;
        Token token;
        token.type = TokenType::kFlow;
        token.role = role;
        token.begin = begin;
        token.end = end;
        token.segment = segment_at(file_.parsed->segments, begin);
        token.confidence = confidence;
        if (!value.from.path.empty() &&
            !(value.from.path == file_.parsed->source.path() &&
              value.from.line == file_.parsed->source.line_of(begin) + 1))
            token.why.push_back(value.from);
        file_.parsed->tokens.push_back(std::move(token));
    }
    void emit(Role role, TSNode node, const Value& value,
              Confidence confidence = Confidence::kCertain) {
        emit(role, ts_node_start_byte(node), ts_node_end_byte(node), value, confidence);
    }
    /// A name whose value must be said where it is used.
    void emit_use(TSNode node, const Value& value, Place where) {
        if (where == Place::kObject || where == Place::kCallee) return;
        if (muted_ && value.has(kAddress | kTag)) return;
        if (value.has(kAddress)) emit(Role::kAddress, node, value, Confidence::kLikely);
        if (value.has(kTag)) emit(Role::kModel, node, value, Confidence::kLikely);
        if (value.has(kMaker | kMethod | kReplyType) ||
            (value.has(kClient) && !value.has(kConnector)))
            emit(Role::kClient, node, value);
    }

    // --- statements ------------------------------------------------------------------------------
    void visit_children(TSNode node) {
        const auto count = ts_node_named_child_count(node);
        for (std::uint32_t i = 0; i < count; ++i)
            visit(ts_node_named_child(node, i));
    }

    void visit(TSNode node) {
        if (is_null(node) || depth_ > kMaxDepth) return;
        ++depth_;
        switch (kind(node)) {
            case NodeKind::kImport: import(node); break;
            case NodeKind::kFunction: (void)function(node, {}); break;
            case NodeKind::kClass: class_body(node); break;
            case NodeKind::kFor: loop(node); break;
            case NodeKind::kReturn: returns(node); break;
            case NodeKind::kComment:
            case NodeKind::kError: break;
            case NodeKind::kName:
            case NodeKind::kString:
            case NodeKind::kNumber:
            case NodeKind::kMember:
            case NodeKind::kIndex:
            case NodeKind::kCall:
            case NodeKind::kNew:
            case NodeKind::kThrough:
            case NodeKind::kMix:
            case NodeKind::kObject:
            case NodeKind::kPair:
            case NodeKind::kKeyword:
            case NodeKind::kList:
            case NodeKind::kAssign:
            case NodeKind::kWith:
            case NodeKind::kParameter:
            case NodeKind::kSelf: (void)eval(node, Place::kValue); break;
            case NodeKind::kOther:
                if (std::string_view(ts_node_type(node)) == "export_statement") reexport(node);
                visit_children(node);
                break;
        }
        --depth_;
    }

    void returns(TSNode node) {
        Value all;
        const auto count = ts_node_named_child_count(node);
        for (std::uint32_t i = 0; i < count; ++i)
            all.merge(eval(ts_node_named_child(node, i), Place::kValue));
        if (!functions_.empty())
            note_change(
                world_.functions[static_cast<std::size_t>(functions_.back())].returns.merge(all));
    }

    void loop(TSNode node) {
        const TSNode right =
            first({child(node, "right"), child(node, "value"), child(node, "iterable")}, node);
        TSNode left = child(node, "left");
        if (is_null(left)) left = child(node, "name");
        if (is_null(left)) left = child(node, "pattern");
        if (!is_null(right) && !is_null(left)) {
            const Value items = eval(right, Place::kValue);
            Value one = items;
            one.traits &= kReply | kTag | kAddress | kClient | kConnector;
            bind_target(left, one);
            const TSNode body = child(node, "body");
            if (!is_null(body)) visit(body);
            if (kind(node) == NodeKind::kFor &&
                std::string_view(ts_node_type(node)) == "for_in_clause")
                return;
            return;
        }
        visit_children(node);
    }

    static TSNode first(std::initializer_list<TSNode> nodes, TSNode) {
        for (const TSNode node : nodes)
            if (!is_null(node)) return node;
        return TSNode{};
    }

    // --- imports ---------------------------------------------------------------------------------
    bool local(std::string_view module) const {
        return world_.model.is_local_module(module, file_.parsed->source.path());
    }

    /// What a name of an Ollama package (or of a connector) stands for.
    static std::uint32_t imported(std::string_view name, bool connector) {
        const std::uint32_t kind = connector ? kConnector : 0;
        if (name.ends_with("Response")) return kReplyType | kind;
        if (name.empty() || std::isupper(static_cast<unsigned char>(name.front())) != 0 ||
            name.starts_with("create"))
            return kMaker | kind;
        if (!connector && is_client_method(name)) return kMethod;
        return kModule | kind;
    }
    static bool native(std::string_view module) {
        return module == "ollama" || module.starts_with("ollama/") ||
               module.starts_with("ollama.") || module.starts_with("github.com/ollama/") ||
               module == "ollama_rs" || module.starts_with("ollama_rs::");
    }
    static bool framework(std::string_view module) {
        for (const std::string_view known :
             {"langchain", "llama_index", "@langchain", "llamaindex", "@llamaindex", "haystack",
              "semantic_kernel", "pydantic_ai", "autogen", "crewai", "chromadb",
              "org.springframework.ai", "dev.langchain4j", "testcontainers", "org.testcontainers",
              "instructor", "dspy", "agno"})
            if (module.starts_with(known)) return true;
        return false;
    }

    void import(TSNode node) {
        const std::string_view type = ts_node_type(node);
        if (file_.language == Language::kPython) {
            import_python(node, type);
        } else if (file_.language == Language::kGo) {
            import_go(node);
        } else if (file_.language == Language::kJava || file_.language == Language::kRust) {
            import_path(node);
        } else if (type == "import_statement") {
            import_script(node);
        }
    }

    void import_python(TSNode node, std::string_view type) {
        const auto count = ts_node_named_child_count(node);
        if (type == "import_statement") {
            for (std::uint32_t i = 0; i < count; ++i) {
                TSNode name = ts_node_named_child(node, i);
                TSNode alias{};
                if (std::string_view(ts_node_type(name)) == "aliased_import") {
                    alias = child(name, "alias");
                    name = child(name, "name");
                }
                if (is_null(name)) continue;
                const auto module = text(name);
                const auto head = module.substr(0, module.find('.'));
                const auto bound = is_null(alias) ? head : text(alias);
                if (local(module)) {
                    if (const auto file = world_.resolve(module, index_))
                        bind(bound, module_value(*file));
                } else if (is_ollama_package(module)) {
                    const Value value = with(
                        kModule | (native(module) ? 0U : static_cast<std::uint32_t>(kConnector)),
                        name, "the package is imported");
                    bind(bound, value);
                    emit(Role::kImport, name, value);
                }
            }
            return;
        }
        const TSNode module_node = child(node, "module_name");
        if (is_null(module_node)) return;
        const auto module = text(module_node);
        const bool ours = local(module);
        const auto file = ours ? world_.resolve(module, index_) : std::nullopt;
        for (std::uint32_t i = 0; i < count; ++i) {
            TSNode name = ts_node_named_child(node, i);
            if (ts_node_eq(name, module_node)) continue;
            TSNode alias{};
            if (std::string_view(ts_node_type(name)) == "aliased_import") {
                alias = child(name, "alias");
                name = child(name, "name");
            }
            if (is_null(name)) continue;
            const auto imported_name = text(name);
            const auto bound = is_null(alias) ? imported_name : text(alias);
            if (ours) {
                import_local(module, file, imported_name, bound, name);
                continue;
            }
            const bool package = is_ollama_package(module);
            if (!package && !(framework(module) && has_word(imported_name))) continue;
            const Value value = with(imported(imported_name, !native(module)), name,
                                     "imported from " + std::string(module));
            bind(bound, value);
            emit(Role::kImport, name, value);
            if (package) emit(Role::kImport, module_node, value);
        }
    }

    Value module_value(std::size_t file) {
        Value value;
        value.shape = world_.shape(world_.files[file].parsed->source.path() + ":");
        // The module's names are the attributes of its shape.
        const auto scope = world_.files[file].scopes.find(0);
        if (scope != world_.files[file].scopes.end())
            for (const auto& [name, what] : Names(scope->second))
                note_change(attribute(value.shape, name).merge(what));
        return value;
    }

    void import_local(std::string_view module, std::optional<std::size_t> file,
                      std::string_view name, std::string_view bound, TSNode node) {
        Value value;
        if (file) {
            const auto scope = world_.files[*file].scopes.find(0);
            if (scope != world_.files[*file].scopes.end())
                if (const auto found = scope->second.find(name); found != scope->second.end())
                    value = found->second;
            if (name == "*" && scope != world_.files[*file].scopes.end()) {
                for (const auto& [each, what] : Names(scope->second))
                    bind(each, what);
                return;
            }
        }
        if (!says_something(value)) {
            const std::string inner =
                std::string(module) + (module.ends_with('.') ? "" : ".") + std::string(name);
            if (const auto inner_file = world_.resolve(inner, index_);
                inner_file && *inner_file != index_)
                value = module_value(*inner_file);
        }
        bind(bound, value);
        if (value.has(kAddress | kTag)) emit_use(node, value, Place::kValue);
    }

    void import_script(TSNode node) {
        const TSNode source = child(node, "source");
        if (is_null(source)) return;
        const auto module = unquoted(text(source));
        const bool ours = local(module);
        const auto file = ours ? world_.resolve(module, index_) : std::nullopt;
        const bool package = !ours && is_ollama_package(module);
        const bool connector = !native(module);
        const auto each = [&](TSNode name, std::string_view imported_name, std::string_view bound,
                              bool whole) {
            if (ours) {
                if (whole && imported_name == "*") {
                    if (file) bind(bound, module_value(*file));
                } else {
                    import_local(module, file, imported_name, bound, name);
                }
                return;
            }
            if (!package && !(framework(module) && has_word(imported_name))) return;
            std::uint32_t traits = imported(imported_name, connector);
            if (imported_name == "default")
                traits = connector ? kMaker | kConnector : kClient | kModule;
            if (imported_name == "*") traits = kModule | (connector ? kConnector : 0U);
            if (connector && imported_name == "ollama") traits = kMaker | kConnector;
            const Value value = with(traits, name, "imported from " + std::string(module));
            bind(bound, value);
            emit(Role::kImport, name, value);
        };
        if (package) emit(Role::kImport, source, with(kModule, source, "the package is imported"));
        const auto count = ts_node_named_child_count(node);
        for (std::uint32_t i = 0; i < count; ++i) {
            const TSNode clause = ts_node_named_child(node, i);
            if (std::string_view(ts_node_type(clause)) != "import_clause") continue;
            const auto parts = ts_node_named_child_count(clause);
            for (std::uint32_t j = 0; j < parts; ++j) {
                const TSNode part = ts_node_named_child(clause, j);
                const std::string_view type = ts_node_type(part);
                if (type == "identifier") each(part, "default", text(part), true);
                if (type == "namespace_import") {
                    const TSNode name = ts_node_named_child(part, 0);
                    if (!is_null(name)) each(name, "*", text(name), true);
                }
                if (type == "named_imports") {
                    const auto names = ts_node_named_child_count(part);
                    for (std::uint32_t k = 0; k < names; ++k) {
                        const TSNode specifier = ts_node_named_child(part, k);
                        const TSNode name = child(specifier, "name");
                        const TSNode alias = child(specifier, "alias");
                        if (!is_null(name))
                            each(name, text(name), text(is_null(alias) ? name : alias), false);
                    }
                }
            }
        }
    }

    /// `export { a } from './b'`, `export * from './b'`.
    void reexport(TSNode node) {
        const TSNode source = child(node, "source");
        if (is_null(source)) {
            // `export default client`
            const TSNode value = child(node, "value");
            if (!is_null(value)) bind("default", eval(value, Place::kObject));
            return;
        }
        const auto module = unquoted(text(source));
        if (is_ollama_package(module) && !local(module))
            emit(Role::kImport, source, with(kModule, source, "the package is exported again"));
        const auto file = world_.resolve(module, index_);
        if (!file || *file == index_) return;
        const auto scope = world_.files[*file].scopes.find(0);
        if (scope == world_.files[*file].scopes.end()) return;
        const Names names = scope->second;
        bool listed = false;
        const auto count = ts_node_named_child_count(node);
        for (std::uint32_t i = 0; i < count; ++i) {
            const TSNode clause = ts_node_named_child(node, i);
            if (std::string_view(ts_node_type(clause)) != "export_clause") continue;
            listed = true;
            const auto parts = ts_node_named_child_count(clause);
            for (std::uint32_t j = 0; j < parts; ++j) {
                const TSNode specifier = ts_node_named_child(clause, j);
                const TSNode name = child(specifier, "name");
                const TSNode alias = child(specifier, "alias");
                if (is_null(name)) continue;
                if (const auto found = names.find(text(name)); found != names.end())
                    bind(text(is_null(alias) ? name : alias), found->second);
            }
        }
        if (!listed)
            for (const auto& [name, value] : names)
                bind(name, value);
    }

    void import_go(TSNode node) {
        if (std::string_view(ts_node_type(node)) != "import_spec") {
            visit_children(node);
            return;
        }
        const TSNode path = child(node, "path");
        if (is_null(path)) return;
        const auto module = unquoted(text(path));
        const TSNode name = child(node, "name");
        const auto last =
            module.substr(module.rfind('/') == std::string_view::npos ? 0 : module.rfind('/') + 1);
        const bool package = module.starts_with("github.com/ollama/") ||
                             module.ends_with("/llms/ollama") || module.ends_with("/ollama");
        if (!package || (!module.starts_with("github.com/ollama/") &&
                         module.find("langchaingo") == std::string_view::npos))
            return;
        const Value value =
            with(kModule | (native(module) ? 0U : static_cast<std::uint32_t>(kConnector)), path,
                 "the package is imported");
        bind(is_null(name) ? last : text(name), value);
        emit(Role::kImport, path, value);
    }

    /// Java and Rust: the last parts of the path are bound.
    void import_path(TSNode node) {
        std::string_view module = text(node);
        if (!has_word(module)) return;
        for (const std::string_view word : {"import static ", "import ", "pub use ", "use "})
            if (module.starts_with(word)) module.remove_prefix(word.size());
        module = trim(module);
        if (module.ends_with(';')) module.remove_suffix(1);
        if (local(module.substr(0, module.find_first_of("{;")))) return;
        const bool connector = !native(module);
        const Value value = with(kModule, node, "the package is imported");
        const auto word = find_word(module);
        const auto start = ts_node_start_byte(node) +
                           static_cast<std::uint32_t>(module.data() - text(node).data());
        if (word)
            emit(Role::kImport, start + static_cast<std::uint32_t>(word->begin),
                 start + static_cast<std::uint32_t>(word->end), value);
        // Every name at the end: `a::{B, C}`, `a.b.C`.
        for (std::size_t at = 0; at < module.size();) {
            const auto end = std::min(module.find_first_of(".:{}, ", at), module.size());
            const auto part = module.substr(at, end - at);
            if (!part.empty() && std::isupper(static_cast<unsigned char>(part.front())) != 0)
                bind(part, with(imported(part, connector), node, "imported"));
            at = end + 1;
        }
    }

    // --- functions and classes -------------------------------------------------------------------
    Value function(TSNode node, std::string_view bound) {
        const auto scope = ts_node_start_byte(node) + 1;  // never 0, the module's
        const int known = world_.function(index_, scope);
        Value value;
        value.function = known;
        TSNode name = child(node, "name");
        const std::string_view own_name = is_null(name) ? bound : text(name);
        const bool method = in_class_body_;
        const int receiver = go_receiver(node);
        const bool outer = in_class_body_;
        in_class_body_ = false;
        scopes_.push_back(scope);
        functions_.push_back(known);
        const TSNode list = first({child(node, "parameters"), child(node, "parameter")}, node);
        std::vector<std::string> parameters;
        if (receiver >= 0) classes_.push_back(receiver);
        if (!is_null(list)) {
            if (kind(list) == NodeKind::kName) {
                parameters.emplace_back(text(list));
            } else {
                const auto count = ts_node_named_child_count(list);
                for (std::uint32_t i = 0; i < count; ++i)
                    parameter(ts_node_named_child(list, i), parameters);
            }
        }
        if (!parameters.empty() && (parameters.front() == "self" || parameters.front() == "cls" ||
                                    parameters.front() == "&self"))
            parameters.erase(parameters.begin());
        world_.functions[static_cast<std::size_t>(known)].parameters = std::move(parameters);
        for (const std::string_view field : {"return_type", "result", "returns"})
            if (const TSNode type = child(node, field); !is_null(type))
                (void)eval(type, Place::kType);
        const TSNode body = child(node, "body");
        if (!is_null(body)) {
            const auto body_kind = kind(body);
            const bool expression = body_kind != NodeKind::kOther &&
                                    body_kind != NodeKind::kReturn && body_kind != NodeKind::kFor;
            if (expression && std::string_view(ts_node_type(body)) != "block")
                note_change(world_.functions[static_cast<std::size_t>(known)].returns.merge(
                    eval(body, Place::kValue)));
            else
                visit(body);
        } else {
            // C# writes `=> expression` without a field.
            const auto count = ts_node_named_child_count(node);
            for (std::uint32_t i = 0; i < count; ++i) {
                const TSNode part = ts_node_named_child(node, i);
                if (std::string_view(ts_node_type(part)) == "arrow_expression_clause")
                    returns(part);
            }
        }
        if (receiver >= 0) classes_.pop_back();
        functions_.pop_back();
        scopes_.pop_back();
        in_class_body_ = outer;
        const Value& result = world_.functions[static_cast<std::size_t>(known)].returns;
        value.returns = result.traits;
        value.returns_shape = result.shape;
        value.from = result.from;
        if (!own_name.empty()) {
            if (receiver >= 0)
                note_change(attribute(receiver, own_name).merge(value));
            else if (method && own_name != "constructor" && own_name != "__init__")
                note_change(attribute(classes_.back(), own_name).merge(value));
            else if (method)
                constructors_[classes_.back()] = known;
            else
                bind(own_name, value);
            // A property reads as its value.
            if (method && ts_node_named_child_count(node) > 0) property(node, own_name, result);
        }
        return value;
    }

    /// @property, `get name()`: an attribute with the value that it returns.
    void property(TSNode node, std::string_view name, const Value& result) {
        const TSNode parent = ts_node_parent(node);
        const bool decorated =
            !is_null(parent) && std::string_view(ts_node_type(parent)) == "decorated_definition" &&
            text(parent).substr(0, 40).find("property") != std::string_view::npos;
        if (decorated || text(node).starts_with("get "))
            note_change(attribute(classes_.back(), name).merge(result));
    }

    int go_receiver(TSNode node) {
        const TSNode receiver = child(node, "receiver");
        if (is_null(receiver) || file_.language != Language::kGo) return -1;
        auto type = text(receiver);
        const auto star = type.find_last_of("* ");
        if (star != std::string_view::npos) type = type.substr(star + 1);
        while (!type.empty() && (type.back() == ')' || type.back() == ' '))
            type.remove_suffix(1);
        const int shape = go_shape(type);
        return shape;
    }
    int go_shape(std::string_view type) {
        const auto& path = file_.parsed->source.path();
        return world_.shape(
            "go " + path.substr(0, path.rfind('/') == std::string::npos ? 0 : path.rfind('/')) +
            ":" + std::string(type));
    }

    void parameter(TSNode node, std::vector<std::string>& names) {
        TSNode name = child(node, "name");
        if (is_null(name)) name = child(node, "pattern");
        const TSNode type = child(node, "type");
        TSNode value = child(node, "value");
        if (kind(node) == NodeKind::kName) name = node;
        if (is_null(name) && std::string_view(ts_node_type(node)) == "typed_parameter")
            name = ts_node_named_child(node, 0);
        if (is_null(name) && kind(node) == NodeKind::kAssign) {  // assignment_pattern of JavaScript
            name = child(node, "left");
            value = child(node, "right");
        }
        if (std::string_view(ts_node_type(node)) == "assignment_pattern") {
            name = child(node, "left");
            value = child(node, "right");
        }
        if (is_null(name)) {
            visit_children(node);
            names.emplace_back();
            return;
        }
        names.emplace_back(text(name));
        Value all;
        if (!is_null(type)) all.merge(instance(eval(type, Place::kType), type));
        if (!is_null(value)) all.merge(eval(value, Place::kValue));
        bind_target(name, all);
        // TypeScript: `constructor(private client: Ollama)` declares an attribute.
        if (!classes_.empty() && kind(name) == NodeKind::kName &&
            (text(node).starts_with("private ") || text(node).starts_with("public ") ||
             text(node).starts_with("readonly ") || text(node).starts_with("protected ")) &&
            file_.language != Language::kJava)
            note_change(attribute(classes_.back(), text(name)).merge(all));
    }

    /// What a value of this type is.
    Value instance(const Value& type, TSNode node) {
        Value value;
        if (type.has(kMaker)) value.traits |= kClient | (type.traits & kConnector);
        if (type.has(kReplyType)) value.traits |= kReply;
        value.shape = type.returns_shape;
        value.from = type.from;
        if (file_.language == Language::kGo && value.traits == 0) {
            auto name = text(node);
            while (name.starts_with('*'))
                name.remove_prefix(1);
            if (!name.empty() && std::isupper(static_cast<unsigned char>(name.front())) != 0 &&
                name.find('.') == std::string_view::npos)
                value.shape = go_shape(name);
            if (!name.empty() && name.find_first_of(".[{ (") == std::string_view::npos &&
                std::islower(static_cast<unsigned char>(name.front())) != 0 &&
                !one_of(name,
                        {"string", "int", "bool", "error", "any", "byte", "float64", "int64"}))
                value.shape = go_shape(name);
        }
        return value;
    }

    void class_body(TSNode node) {
        TSNode name = child(node, "name");
        if (is_null(name)) name = child(node, "type");
        const std::string class_name = is_null(name)
                                           ? "@" + std::to_string(ts_node_start_byte(node))
                                           : std::string(text(name));
        const int shape = world_.shape(id(class_name));
        Value value;
        value.returns_shape = shape;
        if (const auto made = constructors_.find(shape); made != constructors_.end())
            value.function = made->second;
        const TSNode body = child(node, "body");
        const auto count = ts_node_named_child_count(node);
        for (std::uint32_t i = 0; i < count; ++i) {
            const TSNode part = ts_node_named_child(node, i);
            if ((!is_null(body) && ts_node_eq(part, body)) ||
                (!is_null(name) && ts_node_eq(part, name)))
                continue;
            const std::string_view type = ts_node_type(part);
            if (type == "decorator" || type == "modifiers" || type == "attribute_list") continue;
            bases(part, shape, value);
        }
        bind(class_name, value);
        if (is_null(body)) return;
        const bool outer = in_class_body_;
        in_class_body_ = true;
        classes_.push_back(shape);
        scopes_.push_back(ts_node_start_byte(node) + 1);
        visit_children(body);
        scopes_.pop_back();
        classes_.pop_back();
        in_class_body_ = outer;
        if (const auto made = constructors_.find(shape); made != constructors_.end()) {
            Value with_constructor;
            with_constructor.function = made->second;
            bind(class_name, with_constructor);
        }
    }

    void bases(TSNode node, int shape, Value& value) {
        const auto node_kind = kind(node);
        if (node_kind == NodeKind::kName || node_kind == NodeKind::kMember) {
            const Value base = eval(node, Place::kType);
            if (base.has(kMaker)) value.merge(base);
            if (base.returns_shape >= 0 && base.returns_shape != shape)
                for (const auto& [name, what] :
                     Names(world_.shapes[static_cast<std::size_t>(base.returns_shape)]))
                    note_change(attribute(shape, name).merge(what));
            return;
        }
        const auto count = ts_node_named_child_count(node);
        for (std::uint32_t i = 0; i < count; ++i)
            bases(ts_node_named_child(node, i), shape, value);
    }

    // --- targets ---------------------------------------------------------------------------------
    void bind_target(TSNode target, const Value& value) {
        switch (kind(target)) {
            case NodeKind::kName: bind(text(target), value); return;
            case NodeKind::kMember: {
                const auto [object, name] = member_parts(target);
                if (is_null(object) || is_null(name)) return;
                const Value owner = eval(object, Place::kObject);
                if (owner.shape >= 0 && says_something(value))
                    note_change(attribute(owner.shape, text(name)).merge(value));
                return;
            }
            case NodeKind::kIndex: {
                const TSNode object = first(
                    {child(target, "value"), child(target, "object"), child(target, "operand")},
                    target);
                if (!is_null(object)) (void)eval(object, Place::kObject);
                return;
            }
            default: break;
        }
        const std::string_view type = ts_node_type(target);
        if (type == "object_pattern") {
            destructure(target, value);
            return;
        }
        const auto count = ts_node_named_child_count(target);
        for (std::uint32_t i = 0; i < count; ++i) {
            const TSNode part = ts_node_named_child(target, i);
            if (file_.language == Language::kGo && i > 0 && count > 1 && type == "expression_list")
                break;  // `value, err :=`
            bind_target(part, value);
        }
    }

    void destructure(TSNode pattern, const Value& value) {
        // `const { value, done } = await reader.read()`: the flag of a stream, no reply.
        const bool reader = value.has(kReply) &&
                            text(pattern).find("value") != std::string_view::npos &&
                            text(pattern).find("done") != std::string_view::npos;
        const auto count = ts_node_named_child_count(pattern);
        for (std::uint32_t i = 0; i < count; ++i) {
            const TSNode part = ts_node_named_child(pattern, i);
            TSNode key = part;
            TSNode target = part;
            if (std::string_view(ts_node_type(part)) == "pair_pattern") {
                key = child(part, "key");
                target = child(part, "value");
            }
            if (std::string_view(ts_node_type(part)) == "object_assignment_pattern") {
                key = target = child(part, "left");
                if (const TSNode otherwise = child(part, "right"); !is_null(otherwise))
                    (void)eval(otherwise, Place::kValue);
            }
            if (is_null(key) || is_null(target)) continue;
            bind_target(target, reader ? inherit(value, kReply | kOpenAi)
                                       : member(value, text(key), key, Place::kValue, true));
        }
    }

    Value assign(TSNode node) {
        TSNode left = first({child(node, "left"), child(node, "pattern"), child(node, "name"),
                             child(node, "property")},
                            node);
        TSNode right = first({child(node, "right"), child(node, "value")}, node);
        TSNode type = child(node, "type");
        const auto count = ts_node_named_child_count(node);
        if (is_null(right) && count > 1 && file_.language == Language::kCSharp) {
            right = ts_node_named_child(node, count - 1);
            if (!is_null(left) && ts_node_eq(right, left)) right = TSNode{};
        }
        if (is_null(type)) {
            const TSNode parent = ts_node_parent(node);
            if (!is_null(parent)) type = child(parent, "type");
        }
        Value value;
        if (!is_null(right)) {
            const auto right_kind = kind(right);
            const std::string_view name =
                !is_null(left) && kind(left) == NodeKind::kName ? text(left) : std::string_view{};
            if (right_kind == NodeKind::kFunction)
                value = function(right, name);
            else
                value = eval(right, Place::kValue);
            if (file_.language == Language::kGo && kind(right) == NodeKind::kThrough)
                value = eval_first(right);
        }
        if (!is_null(type)) value.merge(instance(eval(type, Place::kType), type));
        if (is_null(left)) return value;
        // `LLM_URL: str` of a settings class reads the environment by its name.
        if (in_class_body_ && kind(left) == NodeKind::kName)
            value.merge(environment(to_upper(text(left)), left));
        bind_target(left, value);
        return value;
    }

    static std::string to_upper(std::string_view text) {
        std::string out(text);
        for (char& c : out)
            if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 32);
        return out;
    }

    Value eval_first(TSNode list) {
        const TSNode one = ts_node_named_child(list, 0);
        return is_null(one) ? Value{} : eval(one, Place::kValue);
    }

    // --- expressions -----------------------------------------------------------------------------
    Value eval(TSNode node, Place where) {
        if (is_null(node) || depth_ > kMaxDepth) return {};
        ++depth_;
        Value value = eval_inner(node, where);
        --depth_;
        return value;
    }

    Value eval_inner(TSNode node, Place where) {
        switch (kind(node)) {
            case NodeKind::kName: return name(node, where);
            case NodeKind::kSelf: return self();
            case NodeKind::kString: return string(node);
            case NodeKind::kNumber:
                return find_port(text(node)) ? with(kAddress, node, "the port of Ollama") : Value{};
            case NodeKind::kMember: {
                const auto [object, key] = member_parts(node);
                if (is_null(key)) return {};
                if (is_null(object)) return member(self(), text(key), key, where, false);
                const Value owner = eval(object, Place::kObject);
                Value value = member(owner, text(key), key, where, false);
                return value;
            }
            case NodeKind::kIndex: return index(node, where);
            case NodeKind::kCall: return call(node);
            case NodeKind::kNew: return made(node);
            case NodeKind::kMix: return mix(node);
            case NodeKind::kObject: return object(node);
            case NodeKind::kAssign: return assign(node);
            case NodeKind::kFunction: return function(node, {});
            case NodeKind::kClass: class_body(node); return {};
            case NodeKind::kWith: {
                const auto count = ts_node_named_child_count(node);
                const Value value =
                    count > 0 ? eval(ts_node_named_child(node, 0), Place::kValue) : Value{};
                const TSNode alias = child(node, "alias");
                const TSNode parent = ts_node_parent(node);
                // `except ResponseError as e`: the error is no client.
                const bool caught =
                    !is_null(parent) && std::string_view(ts_node_type(parent)) == "except_clause";
                if (!is_null(alias) && !caught) bind_target(alias, value);
                return value;
            }
            case NodeKind::kReturn: returns(node); return {};
            case NodeKind::kFor: loop(node); return {};
            case NodeKind::kImport: import(node); return {};
            case NodeKind::kComment:
            case NodeKind::kError: return {};
            case NodeKind::kThrough:
            case NodeKind::kPair:
            case NodeKind::kKeyword:
            case NodeKind::kList:
            case NodeKind::kParameter:
            case NodeKind::kOther: break;
        }
        if (std::string_view(ts_node_type(node)) == "cast_expression") {
            Value value = instance(eval(child(node, "type"), Place::kType), child(node, "type"));
            value.merge(eval(child(node, "value"), where));
            return value;
        }
        Value all;
        const auto count = ts_node_named_child_count(node);
        const bool keep = kind(node) == NodeKind::kThrough || kind(node) == NodeKind::kList;
        for (std::uint32_t i = 0; i < count; ++i) {
            const TSNode part = ts_node_named_child(node, i);
            if (kind(part) == NodeKind::kOther && !keep) {
                visit(part);
                continue;
            }
            const Value value =
                eval(part, where == Place::kObject && keep ? Place::kObject : where);
            if (keep) all.merge(value);
        }
        return all;
    }

    Value self() const {
        Value value;
        if (!classes_.empty()) value.shape = classes_.back();
        return value;
    }

    Value name(TSNode node, Place where) {
        const auto word = text(node);
        if ((word == "self" || word == "this" || word == "cls") && !classes_.empty()) return self();
        if (file_.language == Language::kGo && !classes_.empty() && where == Place::kObject &&
            lookup(word) == nullptr && is_receiver(word))
            return self();
        const Value* known = lookup(word);
        Value value = known != nullptr ? *known : Value{};
        if (known == nullptr) {
            // An attribute that is read without `this` (Java, C#).
            if (!classes_.empty() &&
                (file_.language == Language::kJava || file_.language == Language::kCSharp))
                value = attribute_of(classes_.back(), word);
            if (!says_something(value) &&
                std::string_view(ts_node_type(node)) != "property_identifier" &&
                is_connector(word) && !world_.model.defined.contains(word) && file_.speaks)
                value = with(kMaker | (word.starts_with("Ollama") && word.ends_with("Client")
                                           ? 0U
                                           : static_cast<std::uint32_t>(kConnector)),
                             node, "a class of Ollama's client");
        }
        emit_use(node, value, where);
        return value;
    }

    bool is_receiver(std::string_view word) const {
        return word.size() <= 2 || word == "svc" || word == "client" || word == "srv" ||
               word == "app";
    }

    std::pair<TSNode, TSNode> member_parts(TSNode node) const {
        TSNode object =
            first({child(node, "object"), child(node, "operand"), child(node, "expression"),
                   child(node, "value"), child(node, "path"), child(node, "scope"),
                   child(node, "qualifier"), child(node, "package")},
                  node);
        TSNode key = first({child(node, "attribute"), child(node, "property"), child(node, "field"),
                            child(node, "name")},
                           node);
        const auto count = ts_node_named_child_count(node);
        if (is_null(key) && count > 0) key = ts_node_named_child(node, count - 1);
        if (is_null(object) && count > 1) object = ts_node_named_child(node, 0);
        return {object, key};
    }

    /// What `owner.key` (or owner["key"]) is.
    Value member(const Value& owner, std::string_view key, TSNode node, Place where, bool pattern) {
        if (owner.has(kReply)) {
            if (is_own_reply_field(key) || is_shared_reply_field(key)) {
                const Value value = inherit(owner, kReply);
                if (where != Place::kCallee) emit(Role::kReply, node, owner, Confidence::kLikely);
                return value;
            }
            return inherit(owner, kReply | kOpenAi);
        }
        if (owner.has(kModule)) {
            Value value = inherit(owner, kConnector);
            value.traits |= key == "default" ? static_cast<std::uint32_t>(kClient)
                                             : imported(key, owner.has(kConnector));
            if (owner.has(kClient) && is_client_method(key)) value.traits = kMethod;
            if (where != Place::kCallee && !pattern) emit_use(node, value, where);
            return value;
        }
        if (owner.has(kMaker)) {
            // Client.builder(), Ollama::new(), Type.CONSTANT.
            Value value = inherit(owner, kConnector | kMaker);
            if (where == Place::kValue) emit_use(node, value, where);
            return value;
        }
        if (owner.has(kClient)) {
            Value value = inherit(owner, kClient | kConnector);
            if (!owner.has(kConnector)) value.traits |= kMethod;
            if (where == Place::kValue && value.has(kMethod)) emit_use(node, value, where);
            return value;
        }
        if (owner.has(kOpenAiClient | kHttp))
            return inherit(owner, kOpenAiClient | kHttp | kOpenAi | kApiBase);
        if (owner.shape >= 0) {
            Value value = attribute_of(owner.shape, key);
            if (says_something(value)) {
                emit_use(node, value, where);
                return value;
            }
        }
        Value value = environment(key, node);
        if (!says_something(value) && owner.has(kAddress) &&
            one_of(key, {"href", "origin", "host", "hostname", "port", "String", "toString"}))
            value = inherit(owner, kAddress | kOpenAi | kApiBase);
        if (says_something(value)) emit_use(node, value, where);
        return value;
    }

    static Value inherit(const Value& from, std::uint32_t traits) {
        Value value;
        value.traits = from.traits & traits;
        value.from = from.from;
        return value;
    }

    /// An environment name that stands for the address or a model.
    Value environment(std::string_view name, TSNode node) const {
        const auto learned = world_.model.learned.find(name);
        if (learned != world_.model.learned.end()) {
            Value value;
            if (learned->second.carries == Carries::kAddress) value.traits = kAddress;
            if (learned->second.carries == Carries::kModel) value.traits = kTag;
            value.from = learned->second.from;
            return value;
        }
        if (!is_env_like(name) || !has_word(name)) return {};
        static constexpr std::string_view kUrls[] = {
            "url", "host", "base", "endpoint", "addr", "address", "port", "server", "api", "uri"};
        static constexpr std::string_view kModels[] = {"model", "embed", "embedding", "llm",
                                                       "models"};
        const std::string spaced = replace_all(name, "_", " ");
        if (mentions(spaced, kModels))
            return with(kTag, node, std::string(name) + " names a model");
        if (mentions(spaced, kUrls))
            return with(kAddress, node, std::string(name) + " names the server");
        return {};
    }

    Value index(TSNode node, Place where) {
        TSNode object = first({child(node, "value"), child(node, "object"), child(node, "operand"),
                               child(node, "expression"), child(node, "array")},
                              node);
        TSNode key = first({child(node, "subscript"), child(node, "index")}, node);
        const auto count = ts_node_named_child_count(node);
        if (is_null(object) && count > 0) object = ts_node_named_child(node, 0);
        if (is_null(key) && count > 1) key = ts_node_named_child(node, count - 1);
        if (is_null(object)) return {};
        const Value owner = eval(object, Place::kObject);
        if (is_null(key)) return owner;
        const auto key_text = literal(key);
        if (!key_text.empty()) return member(owner, key_text, key, where, false);
        (void)eval(key, Place::kValue);
        return inherit(owner, kReply | kTag | kAddress | kOpenAi);
    }

    /// The text of a string literal without holes; empty for anything else.
    std::string_view literal(TSNode node) const {
        if (kind(node) == NodeKind::kThrough && ts_node_named_child_count(node) == 1)
            return literal(ts_node_named_child(node, 0));
        if (std::string_view(ts_node_type(node)) == "bracketed_argument_list" &&
            ts_node_named_child_count(node) == 1)
            return literal(ts_node_named_child(node, 0));
        if (kind(node) != NodeKind::kString) return {};
        const auto whole = text(node);
        if (whole.find("${") != std::string_view::npos) return {};
        return unquoted(whole);
    }
    static std::string_view unquoted(std::string_view text) {
        while (!text.empty() && std::isalpha(static_cast<unsigned char>(text.front())) != 0 &&
               text.find_first_of("\"'") < 3)
            text.remove_prefix(1);
        while (!text.empty() && (text.front() == '@' || text.front() == '$'))
            text.remove_prefix(1);
        while (text.size() >= 2 &&
               (text.front() == '"' || text.front() == '\'' || text.front() == '`') &&
               text.back() == text.front())
            text = text.substr(1, text.size() - 2);
        return text;
    }

    /// What a literal says by itself.
    std::uint32_t literal_traits(std::string_view text) const {
        std::uint32_t traits = 0;
        if (find_port(text)) traits |= kAddress;
        if (const auto word = find_word(text)) {
            const auto scheme = text.find("://");
            if (scheme != std::string_view::npos && scheme < word->begin &&
                text.substr(scheme + 3, word->begin - scheme - 3).find('/') ==
                    std::string_view::npos &&
                !find_link(text))
                traits |= kAddress;
        }
        if ((traits & kAddress) != 0 && text.find("/v1") != std::string_view::npos)
            traits |= kOpenAi;
        if ((traits & kAddress) != 0 && (text.ends_with("/api") || text.ends_with("/api/")))
            traits |= kApiBase;
        const auto tag = find_tag(text);
        if (tag && tag->at == Range{0, text.size()} && tag->family_known) traits |= kTag;
        if (file_.speaks && is_bare_family(text)) traits |= kTag;
        return traits;
    }

    /// A path behind an address: "/api/chat", or "/chat" when the address ends in /api.
    void tail(TSNode node, std::string_view part, std::uint32_t offset, const Value& base) {
        if (const auto path = find_native_path(part)) {
            emit(Role::kTail, offset + static_cast<std::uint32_t>(path->begin),
                 offset + static_cast<std::uint32_t>(path->end), base);
        } else if (base.has(kApiBase) && part.starts_with('/') &&
                   is_native_tail(part.substr(0, part.find_first_of("?#")))) {
            emit(Role::kTail, offset, offset + static_cast<std::uint32_t>(part.size()), base);
        } else if (const auto at = part.find("/v1/"); at != std::string_view::npos) {
            emit(Role::kTail, offset + static_cast<std::uint32_t>(at),
                 offset + static_cast<std::uint32_t>(part.size()), base);
        }
        (void)node;
    }

    Value string(TSNode node) {
        Value all;
        const auto whole = text(node);
        const auto count = ts_node_named_child_count(node);
        bool holes = false;
        std::uint32_t at = ts_node_start_byte(node);
        for (std::uint32_t i = 0; i < count; ++i) {
            const TSNode part = ts_node_named_child(node, i);
            const std::string_view type = ts_node_type(part);
            if (type == "interpolation" || type == "template_substitution") {
                holes = true;
                all.merge(eval(part, Place::kValue));
                at = ts_node_end_byte(part);
                continue;
            }
            if (holes && all.has(kAddress)) {
                const auto fragment = text(part);
                tail(part, fragment, ts_node_start_byte(part), all);
                if (fragment.find("/v1") != std::string_view::npos) all.traits |= kOpenAi;
                if (fragment.ends_with("/api") || fragment.ends_with("/api/"))
                    all.traits |= kApiBase;
            }
        }
        // A last fragment that is no node of its own.
        if (holes && all.has(kAddress) && at < ts_node_end_byte(node)) {
            const auto rest = whole.substr(at - ts_node_start_byte(node));
            tail(node,
                 rest.substr(0, rest.find_last_not_of("`\"'") == std::string_view::npos
                                    ? 0
                                    : rest.find_last_not_of("`\"'") + 1),
                 at, all);
            if (rest.find("/v1") != std::string_view::npos) all.traits |= kOpenAi;
        }
        const auto traits = holes ? literal_traits(whole) & ~static_cast<std::uint32_t>(kTag)
                                  : literal_traits(unquoted(whole));
        if (traits != 0)
            all.merge(with(
                traits, node,
                (traits & kAddress) != 0 ? "an address of Ollama" : "a tag of Ollama's registry"));
        if (holes) all.traits &= kAddress | kOpenAi | kApiBase | kTag;
        // "cannot reach {url}" is a message, no address.
        if (holes && whole.find(' ') < whole.size() && whole.find("{ ") == std::string_view::npos &&
            std::count(whole.begin(), whole.end(), ' ') > 2)
            all.traits = 0;
        return all;
    }

    /// a + b, a or b, a ? b : c.
    Value mix(TSNode node) {
        Value all;
        const auto count = ts_node_named_child_count(node);
        for (std::uint32_t i = 0; i < count; ++i) {
            const TSNode part = ts_node_named_child(node, i);
            const auto fragment = literal(part);
            if (!fragment.empty() && all.has(kAddress) && fragment.starts_with('/')) {
                tail(part, fragment, ts_node_start_byte(part) + 1, all);
                if (fragment.starts_with("/v1")) all.traits |= kOpenAi;
                if (fragment == "/api" || fragment == "/api/") all.traits |= kApiBase;
                continue;
            }
            all.merge(eval(part, Place::kValue));
        }
        all.traits &= ~static_cast<std::uint32_t>(kMethod);
        return all;
    }

    Value object(TSNode node) {
        Value value;
        const auto count = ts_node_named_child_count(node);
        bool model = false;
        bool messages = false;
        for (std::uint32_t i = 0; i < count; ++i) {
            const TSNode pair = ts_node_named_child(node, i);
            const TSNode key = pair_key(pair);
            if (is_null(key)) continue;
            const auto name = key_text(key);
            model = model || iequals(name, "model");
            messages = messages || iequals(name, "messages") || iequals(name, "prompt") ||
                       iequals(name, "input");
        }
        const bool request = model && messages && native_request_near();
        for (std::uint32_t i = 0; i < count; ++i) {
            const TSNode pair = ts_node_named_child(node, i);
            const TSNode key = pair_key(pair);
            if (is_null(key)) {
                (void)eval(pair, Place::kValue);
                continue;
            }
            const auto name = key_text(key);
            TSNode part = pair_value(pair);
            Value inner = is_null(part)                       ? Value{}
                          : kind(part) == NodeKind::kFunction ? function(part, {})
                                                              : eval(part, Place::kValue);
            if (is_null(part) && kind(pair) == NodeKind::kName)
                inner = this->name(pair, Place::kValue);
            if (request && (is_shared_option(name) || is_own_option(name)) &&
                !iequals(name, "context"))
                emit(Role::kOption, key, Value{}, Confidence::kLikely);
            if (says_something(inner)) {
                if (value.shape < 0)
                    value.shape = world_.shape(id("@" + std::to_string(ts_node_start_byte(node))));
                note_change(attribute(value.shape, name).merge(inner));
            }
        }
        return value;
    }

    /// The file sends to a native path, or uses the package: then a body with model and messages is
    /// a native request.
    bool native_request_near() const {
        if (native_request_ < 0) {
            const auto& tokens = file_.parsed->tokens;
            native_request_ = std::any_of(tokens.begin(), tokens.end(),
                                          [](const Token& token) {
                                              return token.type == TokenType::kPath ||
                                                     (token.type == TokenType::kFlow &&
                                                      token.role == Role::kTail);
                                          }) &&
                                      file_.speaks
                                  ? 1
                                  : 0;
        }
        return native_request_ == 1;
    }

    TSNode pair_key(TSNode pair) const {
        TSNode key = first({child(pair, "key"), child(pair, "field"), child(pair, "name")}, pair);
        if (is_null(key) && kind(pair) == NodeKind::kAssign) key = child(pair, "left");
        if (is_null(key) && std::string_view(ts_node_type(pair)) == "shorthand_property_identifier")
            key = pair;
        if (is_null(key) && kind(pair) == NodeKind::kPair && ts_node_named_child_count(pair) == 2)
            key = ts_node_named_child(pair, 0);
        return key;
    }
    TSNode pair_value(TSNode pair) const {
        TSNode value = child(pair, "value");
        if (is_null(value) && kind(pair) == NodeKind::kAssign) value = child(pair, "right");
        if (is_null(value) && kind(pair) == NodeKind::kPair && ts_node_named_child_count(pair) == 2)
            value = ts_node_named_child(pair, 1);
        if (is_null(value) && std::string_view(ts_node_type(pair)) == "method_definition")
            return TSNode{};
        return value;
    }
    std::string_view key_text(TSNode key) const {
        const auto string = literal(key);
        return string.empty() ? text(key) : string;
    }

    // --- calls -----------------------------------------------------------------------------------
    struct Argument {
        TSNode node{};
        TSNode key{};
        std::string_view name;
        Value value;
    };

    std::vector<Argument> arguments(TSNode node) {
        std::vector<Argument> out;
        const TSNode list = child(node, "arguments");
        if (is_null(list)) return out;
        const auto count = ts_node_named_child_count(list);
        for (std::uint32_t i = 0; i < count; ++i) {
            const TSNode part = ts_node_named_child(list, i);
            if (kind(part) == NodeKind::kComment) continue;
            Argument argument;
            argument.node = part;
            if (kind(part) == NodeKind::kKeyword) {
                argument.key = child(part, "name");
                argument.name = text(argument.key);
                argument.node = child(part, "value");
            } else if (std::string_view(ts_node_type(part)) == "argument" &&
                       !is_null(child(part, "name"))) {
                argument.key = child(part, "name");
                argument.name = text(argument.key);
                argument.node = ts_node_named_child(part, ts_node_named_child_count(part) - 1);
            }
            argument.value = kind(argument.node) == NodeKind::kFunction
                                 ? Value{}
                                 : eval(argument.node, Place::kValue);
            out.push_back(std::move(argument));
        }
        return out;
    }

    /// Calls `each(key node, name, value node, value)` for keywords and for the members of object
    /// arguments.
    template <class Each>
    void fields(const std::vector<Argument>& arguments, Each&& each) {
        for (const auto& argument : arguments) {
            if (!is_null(argument.key)) each(argument.key, argument.name, argument.node);
            object_fields(argument.node, each, 0);
        }
    }
    template <class Each>
    void object_fields(TSNode node, Each& each, int depth) {
        if (is_null(node) || depth > 3) return;
        if (kind(node) == NodeKind::kThrough || kind(node) == NodeKind::kNew) {
            const auto count = ts_node_named_child_count(node);
            for (std::uint32_t i = 0; i < count; ++i)
                object_fields(ts_node_named_child(node, i), each, depth + 1);
            return;
        }
        // JSON.stringify({...})
        if (kind(node) == NodeKind::kCall) {
            const TSNode list = child(node, "arguments");
            if (!is_null(list) && ts_node_named_child_count(list) > 0)
                object_fields(ts_node_named_child(list, 0), each, depth + 1);
            return;
        }
        if (kind(node) != NodeKind::kObject) return;
        const auto count = ts_node_named_child_count(node);
        for (std::uint32_t i = 0; i < count; ++i) {
            const TSNode pair = ts_node_named_child(node, i);
            const TSNode key = pair_key(pair);
            if (is_null(key)) continue;
            const TSNode value = pair_value(pair);
            each(key, key_text(key), value);
            // { method, body: JSON.stringify({...}) }
            if (one_of(key_text(key), {"body", "json", "data", "payload", "content"}) &&
                !is_null(value))
                object_fields(value, each, depth + 1);
        }
    }

    void native_fields(const std::vector<Argument>& arguments, const Value& callee) {
        fields(arguments, [&](TSNode key, std::string_view name, TSNode value) {
            if (is_own_option(name) || (is_shared_option(name) && !iequals(name, "context")))
                emit(Role::kOption, key, callee);
            if (iequals(name, "model") && !is_null(value)) {
                const auto tag = literal(value);
                if (!tag.empty()) emit(Role::kModelString, value, callee);
            }
        });
    }

    std::string_view last_name(TSNode callee) const {
        if (kind(callee) == NodeKind::kName) return text(callee);
        if (kind(callee) == NodeKind::kMember) {
            const auto parts = member_parts(callee);
            return is_null(parts.second) ? std::string_view{} : text(parts.second);
        }
        if (kind(callee) == NodeKind::kThrough && ts_node_named_child_count(callee) > 0)
            return last_name(ts_node_named_child(callee, ts_node_named_child_count(callee) - 1));
        return {};
    }
    TSNode last_node(TSNode callee) const {
        if (kind(callee) == NodeKind::kMember) {
            const auto parts = member_parts(callee);
            return is_null(parts.second) ? callee : parts.second;
        }
        return callee;
    }

    Value made(TSNode node) {
        TSNode maker =
            first({child(node, "constructor"), child(node, "type"), child(node, "name")}, node);
        if (is_null(maker)) return {};
        const Value what = eval(maker, Place::kCallee);
        auto list = arguments(node);
        if (what.has(kMaker | kReplyType | kModule)) emit(Role::kClient, last_node(maker), what);
        TSNode body = child(node, "body");
        if (is_null(body)) body = child(node, "initializer");
        Value value = called(node, maker, what, Value{}, list);
        if (!is_null(body)) {
            const Value inner = eval(body, Place::kValue);
            if (what.has(kMaker)) {
                Argument argument;
                argument.node = body;
                native_fields({argument}, what);
            }
            const auto type = text(maker);
            if (file_.language == Language::kGo && !type.empty() &&
                type.find_first_of(".[") == std::string_view::npos && !what.has(kMaker)) {
                value.shape = go_shape(type);
                if (inner.shape >= 0)
                    for (const auto& [name, attr] :
                         Names(world_.shapes[static_cast<std::size_t>(inner.shape)]))
                        note_change(attribute(value.shape, name).merge(attr));
            } else if (value.shape < 0) {
                value.shape = inner.shape;
            }
        }
        return value;
    }

    Value call(TSNode node) {
        TSNode callee = child(node, "function");
        Value owner;
        Value what;
        std::string_view name;
        TSNode name_node = callee;
        if (is_null(callee)) {  // Java: object.name(...)
            name_node = callee = child(node, "name");
            if (is_null(callee)) {
                visit_children(node);
                return {};
            }
            name = text(callee);
            const TSNode object = child(node, "object");
            owner = is_null(object) ? self() : eval(object, Place::kObject);
            what = is_null(object) && owner.shape < 0
                       ? this->name(callee, Place::kCallee)
                       : member(owner, name, callee, Place::kCallee, false);
        } else {
            const auto callee_kind = kind(callee);
            name = last_name(callee);
            name_node = last_node(callee);
            if (callee_kind == NodeKind::kMember) {
                const auto [object, key] = member_parts(callee);
                owner = is_null(object) ? Value{} : eval(object, Place::kObject);
                what =
                    is_null(key) ? Value{} : member(owner, text(key), key, Place::kCallee, false);
            } else {
                what = eval(callee, Place::kCallee);
            }
        }
        // What is only printed need not change by itself.
        const bool was_muted = muted_;
        muted_ = muted_ ||
                 one_of(name, {"print", "info", "debug", "warning", "warn", "error", "exception",
                               "log", "critical", "Printf", "Println", "echo", "writeln", "trace"});
        auto list = arguments(node);
        muted_ = was_muted;
        // `importlib.import_module("ollama")`, require('ollama'), import('ollama').
        if (!list.empty() && one_of(name, {"require", "import_module", "__import__", "import"})) {
            const auto module = literal(list.front().node);
            if (is_ollama_package(module) && !local(module)) {
                const Value value =
                    with(kModule | (native(module) ? 0U : static_cast<std::uint32_t>(kConnector)),
                         list.front().node, "the package is imported");
                emit(Role::kImport, list.front().node, value);
                return value;
            }
            if (local(module))
                if (const auto file = world_.resolve(module, index_)) return module_value(*file);
            return {};
        }
        // `const m = await import('ollama')`: the callee is a keyword.
        const bool step = owner.has(kMaker) && !name.starts_with("builder") &&
                          !name.starts_with("new") && !name.starts_with("create") &&
                          !name.starts_with("default") && !name.starts_with("from") &&
                          file_.language != Language::kPython;
        if (step) {
            // A step of a builder: what it sets is said by its own rules.
        } else if (what.has(kMaker | kMethod) ||
                   (what.has(kModule) && !name.empty() && !owner.has(kModule)) ||
                   (what.has(kClient) && what.has(kConnector) && !owner.has(kClient)))
            emit(Role::kClient, name_node, what);
        Value value = called(node, name_node, what, owner, list);
        callbacks(list, what, value);
        return value;
    }

    /// Functions that are handed to a call: a Go callback gets the reply, a `.then` what was
    /// awaited.
    void callbacks(std::vector<Argument>& list, const Value& what, const Value& result) {
        for (auto& argument : list) {
            if (kind(argument.node) != NodeKind::kFunction) continue;
            argument.value = function(argument.node, {});
            auto& known = world_.functions[static_cast<std::size_t>(argument.value.function)];
            Value given;
            if (result.has(kReply)) given = inherit(result, kReply | kOpenAi);
            if (what.has(kReply)) given.merge(inherit(what, kReply | kOpenAi));
            if (!known.parameters.empty() && says_something(given)) give(known, 0, given);
        }
    }
    void give(const Function& function, std::size_t position, const Value& value) {
        if (position >= function.parameters.size() || function.parameters[position].empty() ||
            !says_something(value))
            return;
        auto& names = world_.files[function.file].scopes[function.scope];
        note_change(names[function.parameters[position]].merge(value));
    }

    /// What a call gives, and what it does to its arguments.
    Value called(TSNode node, TSNode name_node, const Value& what, const Value& owner,
                 std::vector<Argument>& list) {
        const auto name = last_name(name_node);
        Value value;
        value.from = what.from;
        const bool any_address = std::any_of(
            list.begin(), list.end(), [](const Argument& a) { return a.value.has(kAddress); });
        if (what.has(kReplyType)) value.traits |= kReply;
        if (what.has(kMaker)) {
            value.traits |= kClient | (what.traits & kConnector);
            // A builder stays one until it is built.
            if (owner.has(kMaker) && name != "build" && file_.language != Language::kPython)
                value.traits |= kMaker;
            native_fields(list, what);
        }
        if (what.has(kMethod)) {
            value.traits |= kReply;
            native_fields(list, what);
        }
        if (what.has(kModule) && !what.has(kMethod | kMaker) && what.has(kConnector)) {
            // A provider of the Vercel AI SDK: ollama('llama3.2').
            value.traits |= kClient | kConnector;
            if (!list.empty() && !literal(list.front().node).empty())
                emit(Role::kModelString, list.front().node, what);
        }
        if ((what.has(kMaker) || what.has(kClient)) && what.has(kConnector) && !list.empty()) {
            const auto tag = literal(list.front().node);
            if ((literal_traits(tag) & kTag) != 0)
                emit(Role::kModelString, list.front().node, what);
        }
        if (what.has(kMethod) && !list.empty() && file_.language != Language::kGo) {
            const auto tag = literal(list.front().node);
            if (is_null(list.front().key) && (literal_traits(tag) & kTag) != 0)
                emit(Role::kModelString, list.front().node, what);
        }
        if (what.function >= 0) {
            auto& function = world_.functions[static_cast<std::size_t>(what.function)];
            std::size_t position = 0;
            for (const auto& argument : list) {
                std::size_t at = position;
                if (!is_null(argument.key)) {
                    const auto named = std::find(function.parameters.begin(),
                                                 function.parameters.end(), argument.name);
                    if (named == function.parameters.end()) continue;
                    at = static_cast<std::size_t>(named - function.parameters.begin());
                } else {
                    ++position;
                }
                give(function, at, argument.value);
            }
            value.merge(function.returns);
        }
        value.traits |= what.returns;
        if (value.shape < 0) value.shape = what.returns_shape;
        http(node, name, owner, list, value);
        if (owner.has(kReply)) {
            // json(), iter_lines(), getReader(), read(), get("message") …
            value.merge(inherit(owner, kReply | kOpenAi));
            if (one_of(name, {"iter_lines", "aiter_lines", "iter_content", "readline", "Scan",
                              "NewScanner", "lines"}) &&
                !owner.has(kOpenAi))
                emit(Role::kReply, name_node, owner, Confidence::kLikely);
            if (one_of(name,
                       {"get", "pop", "GetProperty", "path", "getString", "TryGetProperty"}) &&
                !list.empty()) {
                const auto key = literal(list.front().node);
                if (is_own_reply_field(key) || is_shared_reply_field(key))
                    emit(Role::kReply, list.front().node, owner, Confidence::kLikely);
            }
            // json.NewDecoder(r.Body).Decode(&out)
            if (one_of(name, {"Decode", "Unmarshal"}) && !list.empty())
                fill(list.back().node, owner);
        }
        for (const auto& argument : list)
            if (argument.value.has(kReply) &&
                one_of(name, {"loads",       "parse",      "decode",      "Unmarshal", "NewDecoder",
                              "NewScanner",  "NewReader",  "Deserialize", "from_str",  "ReadAll",
                              "readValue",   "from_slice", "dict",        "list",      "str",
                              "iter",        "aiter",      "enumerate",   "next",      "anext",
                              "TextDecoder", "String"})) {
                value.merge(inherit(argument.value, kReply | kOpenAi));
                if (name == "Unmarshal" && list.size() > 1) fill(list.back().node, argument.value);
                if (one_of(name, {"loads", "parse"}) && !argument.value.has(kOpenAi))
                    emit(Role::kReply, name_node, argument.value, Confidence::kLikely);
            }
        if (any_address || owner.has(kAddress)) {
            static constexpr std::array<std::string_view, 29> kUrlMakers{
                "URL",       "urljoin",    "join",       "format",  "Sprintf",  "str",
                "replace",   "rstrip",     "trim",       "strip",   "rtrim",    "trimEnd",
                "TrimRight", "TrimSuffix", "String",     "concat",  "toString", "Uri",
                "create",    "JoinPath",   "Parse",      "parse",   "lower",    "removesuffix",
                "formatted", "resolve",    "AnyHttpUrl", "HttpUrl", "Field"};
            if (std::find(kUrlMakers.begin(), kUrlMakers.end(), name) != kUrlMakers.end()) {
                if (owner.has(kAddress)) value.merge(inherit(owner, kAddress | kOpenAi | kApiBase));
                for (const auto& argument : list) {
                    const auto fragment = literal(argument.node);
                    if (value.has(kAddress) && !fragment.empty()) {
                        tail(argument.node, fragment, ts_node_start_byte(argument.node) + 1, value);
                        if (fragment.find("/v1") != std::string_view::npos) value.traits |= kOpenAi;
                    }
                    value.merge(inherit(argument.value, kAddress | kOpenAi | kApiBase));
                }
                // URL('/api/chat', base): the path comes first.
                for (const auto& argument : list)
                    if (const auto fragment = literal(argument.node); fragment.starts_with('/'))
                        tail(argument.node, fragment, ts_node_start_byte(argument.node) + 1, value);
            }
        }
        settings(node, name, list, value);
        return value;
    }

    /// Requests over HTTP: what goes to the address comes back as a native reply.
    void http(TSNode node, std::string_view name, const Value& owner, std::vector<Argument>& list,
              Value& value) {
        static constexpr std::array<std::string_view, 43> kVerbs{"get",
                                                                 "post",
                                                                 "put",
                                                                 "delete",
                                                                 "request",
                                                                 "fetch",
                                                                 "stream",
                                                                 "$fetch",
                                                                 "axios",
                                                                 "ky",
                                                                 "got",
                                                                 "urlopen",
                                                                 "PostAsync",
                                                                 "GetAsync",
                                                                 "SendAsync",
                                                                 "PostAsJsonAsync",
                                                                 "GetFromJsonAsync",
                                                                 "NewRequest",
                                                                 "NewRequestWithContext",
                                                                 "Post",
                                                                 "Get",
                                                                 "Do",
                                                                 "useFetch",
                                                                 "ofetch",
                                                                 "Request",
                                                                 "uri",
                                                                 "url",
                                                                 "exchange",
                                                                 "postForObject",
                                                                 "postForEntity",
                                                                 "getForObject",
                                                                 "GetStringAsync",
                                                                 "send",
                                                                 "build",
                                                                 "head",
                                                                 "patch",
                                                                 "undici",
                                                                 "retrieve",
                                                                 "getForEntity",
                                                                 "superagent",
                                                                 "GetStreamAsync",
                                                                 "HttpRequestMessage",
                                                                 "GetStreamAsync"};
        static constexpr std::array<std::string_view, 8> kMakers{
            "Client", "AsyncClient", "ClientSession", "create",
            "extend", "baseUrl",     "HttpClient",    "Session"};
        const bool verb = std::find(kVerbs.begin(), kVerbs.end(), name) != kVerbs.end();
        const Argument* to = nullptr;
        bool option_object = false;
        for (const auto& argument : list)
            if (argument.value.has(kAddress)) {
                to = &argument;
                break;
            }
        // axios.create({ baseURL }), new OpenAI({ baseURL }): the address is a member.
        Value inner;
        fields(list, [&](TSNode, std::string_view key, TSNode part) {
            if (!one_of(key,
                        {"base_url", "baseURL", "baseUrl", "api_base", "apiBase", "host",
                         "endpoint", "BaseAddress", "basePath", "url", "uri", "openai_api_base"}) ||
                is_null(part))
                return;
            const Value member_value = quiet(part);
            if (member_value.has(kAddress)) {
                inner.merge(member_value);
                option_object = true;
            }
        });
        if (name.find("OpenAI") != std::string_view::npos ||
            name.find("openai") != std::string_view::npos) {
            if (option_object || to != nullptr) {
                value.traits |= kOpenAiClient;
                value.from = option_object ? inner.from : to->value.from;
                model_fields(list);
            }
            return;
        }
        if (owner.has(kOpenAiClient)) {
            value.traits |= kOpenAiClient;
            model_fields(list);
            return;
        }
        if ((option_object || to != nullptr) &&
            std::find(kMakers.begin(), kMakers.end(), name) != kMakers.end()) {
            value.traits |= kHttp;
            value.merge(inherit(option_object ? inner : to->value, kOpenAi | kApiBase));
            return;
        }
        if (owner.has(kHttp) && !list.empty()) {
            const auto path = literal(list.front().node);
            Value base = owner;
            base.traits |= kAddress;
            if (!path.empty())
                tail(list.front().node, path, ts_node_start_byte(list.front().node) + 1, base);
            if (verb) {
                value.traits |=
                    kReply |
                    (path.find("/v1") != std::string_view::npos || owner.has(kOpenAi) ? kOpenAi
                                                                                      : 0U);
                value.from = owner.from;
                if (!value.has(kOpenAi)) native_fields(list, owner);
            }
            if (value.has(kOpenAi)) value.traits &= ~static_cast<std::uint32_t>(kReply);
            return;
        }
        if (verb && (to != nullptr || option_object)) {
            const Value& address = to != nullptr ? to->value : inner;
            if (address.has(kOpenAi)) {
                model_fields(list);
                return;
            }
            value.traits |= kReply;
            value.from = address.from;
            native_fields(list, address);
        }
        // A request object that was built from the address goes to Do, send, fetch.
        if (verb && to == nullptr)
            for (const auto& argument : list)
                if (argument.value.has(kReply))
                    value.merge(inherit(argument.value, kReply | kOpenAi));
        (void)node;
    }

    /// Evaluates without saying anything: the node was visited already.
    Value quiet(TSNode node) {
        const bool was = emit_;
        emit_ = false;
        Value value = eval(node, Place::kObject);
        emit_ = was;
        return value;
    }

    void model_fields(const std::vector<Argument>& list) {
        fields(list, [&](TSNode, std::string_view key, TSNode value) {
            if (iequals(key, "model") && !is_null(value) &&
                (literal_traits(literal(value)) & kTag) != 0)
                emit(Role::kModelString, value, Value{});
        });
    }

    void fill(TSNode target, const Value& reply) {
        if (kind(target) == NodeKind::kThrough && ts_node_named_child_count(target) > 0)
            target = ts_node_named_child(target, ts_node_named_child_count(target) - 1);
        bind_target(target, inherit(reply, kReply | kOpenAi));
    }

    /// os.getenv("X", default), config.get("x"), Field(default, alias="X").
    void settings(TSNode, std::string_view name, const std::vector<Argument>& list, Value& value) {
        if (!one_of(name, {"getenv",
                           "get",
                           "env",
                           "Getenv",
                           "LookupEnv",
                           "var",
                           "GetEnvironmentVariable",
                           "getProperty",
                           "get_env",
                           "str",
                           "config",
                           "getEnv",
                           "GetEnv",
                           "Field",
                           "GetValue",
                           "getOrDefault",
                           "env_str",
                           "required",
                           "string",
                           "optional",
                           "EnvOr",
                           "envOr",
                           "getEnvOrDefault",
                           "Env",
                           "environ",
                           "unwrap_or",
                           "unwrap_or_else",
                           "orElse",
                           "default"}))
            return;
        for (const auto& argument : list) {
            const auto key = literal(argument.node);
            if (is_env_like(key)) value.merge(environment(key, argument.node));
            value.merge(inherit(argument.value, kAddress | kTag | kOpenAi | kApiBase));
        }
    }

    World& world_;
    std::size_t index_;
    FlowFile& file_;
    const Tree& tree_;
    bool emit_;
    int depth_ = 0;
    bool muted_ = false;
    bool in_class_body_ = false;
    std::vector<std::uint32_t> scopes_;
    std::vector<int> functions_;
    std::vector<int> classes_;
    std::map<int, int> constructors_;
    mutable int native_request_ = -1;
};

}  // namespace

void pass(World& world, std::size_t file, bool emit) {
    Pass(world, file, emit).run();
}

}  // namespace segue::audit
