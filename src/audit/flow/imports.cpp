// What an import binds, and the names that a module of the project hands out.
#include <cctype>

#include "audit/flow/pass.hpp"
#include "audit/text/vocabulary.hpp"
#include "base/text.hpp"

namespace segue::audit {

using namespace trait;

namespace {

/// No name of JavaScript: what require() of the module gives.
constexpr std::string_view kCommonExports = "module.exports";

bool framework(std::string_view module) {
    for (const std::string_view known :
         {"langchain", "llama_index", "@langchain", "llamaindex", "@llamaindex", "haystack",
          "semantic_kernel", "pydantic_ai", "autogen", "crewai", "chromadb",
          "org.springframework.ai", "dev.langchain4j", "testcontainers", "org.testcontainers",
          "instructor", "dspy", "agno"})
        if (module.starts_with(known)) return true;
    return false;
}

}  // namespace

std::uint32_t import_traits(std::string_view name, bool connector) {
    const std::uint32_t kind = connector ? kConnector : 0;
    if (name.ends_with("Response")) return kReplyType | kind;
    if (name.empty() || std::isupper(static_cast<unsigned char>(name.front())) != 0 ||
        name.starts_with("create"))
        return kMaker | kind;
    if (!connector && is_client_method(name)) return kMethod;
    return kModule | kind;
}

bool is_native_package(std::string_view module) {
    return module == "ollama" || module.starts_with("ollama/") || module.starts_with("ollama.") ||
           module.starts_with("github.com/ollama/") || module == "ollama_rs" ||
           module.starts_with("ollama_rs::");
}

bool Pass::local(std::string_view module) const {
    return world_.model.is_local_module(module, file_.parsed->source.path());
}

void Pass::import(Node node) {
    const std::string_view type = node.type();
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

void Pass::import_python(Node node, std::string_view type) {
    const auto count = node.named_count();
    if (type == "import_statement") {
        for (std::uint32_t i = 0; i < count; ++i) {
            Node name = node.named(i);
            Node alias{};
            if (name.type() == "aliased_import") {
                alias = child(name, "alias");
                name = child(name, "name");
            }
            if (is_null(name)) continue;
            const auto module = text(name);
            const auto head = module.substr(0, module.find('.'));
            const auto bound = is_null(alias) ? head : text(alias);
            if (local(module)) {
                if (const auto file = resolve(module)) bind(bound, module_value(*file));
            } else if (is_ollama_package(module)) {
                const Value value = with(
                    kModule |
                        (is_native_package(module) ? 0U : static_cast<std::uint32_t>(kConnector)),
                    name, "the package is imported");
                bind(bound, value);
                emit(Role::kImport, name, value);
            }
        }
        return;
    }
    const Node module_node = child(node, "module_name");
    if (is_null(module_node)) return;
    const auto module = text(module_node);
    const bool ours = local(module);
    const auto file = ours ? resolve(module) : std::nullopt;
    for (std::uint32_t i = 0; i < count; ++i) {
        Node name = node.named(i);
        if (name == module_node) continue;
        Node alias{};
        if (name.type() == "aliased_import") {
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
        const Value value = with(import_traits(imported_name, !is_native_package(module)), name,
                                 "imported from " + std::string(module));
        bind(bound, value);
        emit(Role::kImport, name, value);
        if (package) emit(Role::kImport, module_node, value);
    }
}

Value Pass::module_value(std::size_t file) {
    const Names* names = module_names(file);
    if (names != nullptr)
        if (const auto whole = names->find(kCommonExports); whole != names->end())
            return whole->second;
    Value value;
    value.shape = world_.shape(world_.files[file].parsed->source.path() + ":");
    // The module's names are the attributes of its shape.
    if (names != nullptr) learn_attributes(value.shape, Names(*names));
    return value;
}

void Pass::import_local(std::string_view module, std::optional<std::size_t> file,
                        std::string_view name, std::string_view bound, Node node) {
    Value value;
    if (file) {
        const Names* names = module_names(*file);
        if (names != nullptr)
            if (const auto found = names->find(name); found != names->end()) value = found->second;
        if (name == "*" && names != nullptr) {
            for (const auto& [each, what] : Names(*names))
                bind(each, what);
            return;
        }
    }
    if (!says_something(value)) {
        const std::string inner =
            std::string(module) + (module.ends_with('.') ? "" : ".") + std::string(name);
        if (const auto inner_file = resolve(inner); inner_file && *inner_file != index_)
            value = module_value(*inner_file);
    }
    bind(bound, value);
    if (value.has(kAddress | kTag)) emit_use(node, value, Place::kValue);
}

void Pass::import_script(Node node) {
    const Node source = child(node, "source");
    if (is_null(source)) return;
    const auto module = unquoted(text(source));
    const bool ours = local(module);
    const auto file = ours ? resolve(module) : std::nullopt;
    const bool package = !ours && is_ollama_package(module);
    const bool connector = !is_native_package(module);
    const auto each = [&](Node name, std::string_view imported_name, std::string_view bound,
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
        std::uint32_t traits = import_traits(imported_name, connector);
        if (imported_name == "default")
            traits = connector ? kMaker | kConnector : kClient | kModule;
        if (imported_name == "*") traits = kModule | (connector ? kConnector : 0U);
        if (connector && imported_name == "ollama") traits = kMaker | kConnector;
        const Value value = with(traits, name, "imported from " + std::string(module));
        bind(bound, value);
        emit(Role::kImport, name, value);
    };
    if (package) emit(Role::kImport, source, with(kModule, source, "the package is imported"));
    const auto count = node.named_count();
    for (std::uint32_t i = 0; i < count; ++i) {
        const Node clause = node.named(i);
        if (clause.type() != "import_clause") continue;
        const auto parts = clause.named_count();
        for (std::uint32_t j = 0; j < parts; ++j) {
            const Node part = clause.named(j);
            const std::string_view type = part.type();
            if (type == "identifier") each(part, "default", text(part), true);
            if (type == "namespace_import") {
                const Node name = part.named(0);
                if (!is_null(name)) each(name, "*", text(name), true);
            }
            if (type == "named_imports") {
                const auto names = part.named_count();
                for (std::uint32_t k = 0; k < names; ++k) {
                    const Node specifier = part.named(k);
                    const Node name = child(specifier, "name");
                    const Node alias = child(specifier, "alias");
                    if (!is_null(name))
                        each(name, text(name), text(is_null(alias) ? name : alias), false);
                }
            }
        }
    }
}

void Pass::reexport(Node node) {
    const Node source = child(node, "source");
    if (is_null(source)) {
        // `export default client`
        const Node value = child(node, "value");
        if (!is_null(value)) bind("default", eval(value, Place::kObject));
        return;
    }
    const auto module = unquoted(text(source));
    if (is_ollama_package(module) && !local(module))
        emit(Role::kImport, source, with(kModule, source, "the package is exported again"));
    const auto file = resolve(module);
    if (!file || *file == index_) return;
    const Names* of_module = module_names(*file);
    if (of_module == nullptr) return;
    const Names names = *of_module;
    bool listed = false;
    const auto count = node.named_count();
    for (std::uint32_t i = 0; i < count; ++i) {
        const Node clause = node.named(i);
        if (clause.type() != "export_clause") continue;
        listed = true;
        const auto parts = clause.named_count();
        for (std::uint32_t j = 0; j < parts; ++j) {
            const Node specifier = clause.named(j);
            const Node name = child(specifier, "name");
            const Node alias = child(specifier, "alias");
            if (is_null(name)) continue;
            if (const auto found = names.find(text(name)); found != names.end())
                bind(text(is_null(alias) ? name : alias), found->second);
        }
    }
    if (!listed)
        for (const auto& [name, value] : names)
            bind(name, value);
}

void Pass::common_export(Node target, const Value& value) {
    const auto name = text(target);
    if (name == "module.exports") {
        learn_name(index_, 0, kCommonExports, value);
        learn_name(index_, 0, "default", value);
        if (value.shape < 0) return;
        for (const auto& [each, what] : Names(attributes(value.shape)))
            learn_name(index_, 0, each, what);
    } else if (name.starts_with("exports.") || name.starts_with("module.exports.")) {
        learn_name(index_, 0, name.substr(name.rfind('.') + 1), value);
    }
}

void Pass::import_go(Node node) {
    if (node.type() != "import_spec") {
        visit_children(node);
        return;
    }
    const Node path = child(node, "path");
    if (is_null(path)) return;
    const auto module = unquoted(text(path));
    const Node name = child(node, "name");
    const auto last =
        module.substr(module.rfind('/') == std::string_view::npos ? 0 : module.rfind('/') + 1);
    const bool package = module.starts_with("github.com/ollama/") ||
                         module.ends_with("/llms/ollama") || module.ends_with("/ollama");
    if (!package || (!module.starts_with("github.com/ollama/") &&
                     module.find("langchaingo") == std::string_view::npos))
        return;
    const Value value =
        with(kModule | (is_native_package(module) ? 0U : static_cast<std::uint32_t>(kConnector)),
             path, "the package is imported");
    bind(is_null(name) ? last : text(name), value);
    emit(Role::kImport, path, value);
}

/// `import acme.llm.Client;`, `import static acme.Names.MODEL;` of the project's own classes.
void Pass::import_java_local(std::string_view module, std::string_view line) {
    const auto last = module.substr(module.rfind('.') + 1);
    const bool member = line.starts_with("import static ");
    const auto owner = member ? module.substr(0, module.size() - last.size() - 1) : module;
    const auto file = resolve(replace_all(owner, ".", "/"));
    if (!file || *file == index_) return;
    const Names* names = module_names(*file);
    if (names == nullptr) return;
    const auto found = names->find(owner.substr(owner.rfind('.') + 1));
    if (found == names->end()) return;
    if (!member)
        bind(last, found->second);
    else if (found->second.returns_shape >= 0)
        bind(last, attribute_of(found->second.returns_shape, last));
}

void Pass::import_path(Node node) {
    std::string_view module = text(node);
    if (!has_word(module) && file_.language != Language::kJava) return;
    for (const std::string_view word : {"import static ", "import ", "pub use ", "use "})
        if (module.starts_with(word)) module.remove_prefix(word.size());
    module = trim(module);
    if (module.ends_with(';')) module.remove_suffix(1);
    if (!has_word(module) && !local(module)) return;
    if (local(module.substr(0, module.find_first_of("{;")))) {
        if (file_.language == Language::kJava) import_java_local(module, text(node));
        return;
    }
    const bool connector = !is_native_package(module);
    const Value value = with(kModule, node, "the package is imported");
    const auto word = find_word(module);
    const auto start = node.start() + static_cast<std::uint32_t>(module.data() - text(node).data());
    if (word)
        emit(Role::kImport, start + static_cast<std::uint32_t>(word->begin),
             start + static_cast<std::uint32_t>(word->end), value);
    // Every name at the end: `a::{B, C}`, `a.b.C`.
    for (std::size_t at = 0; at < module.size();) {
        const auto end = std::min(module.find_first_of(".:{}, ", at), module.size());
        const auto part = module.substr(at, end - at);
        if (!part.empty() && std::isupper(static_cast<unsigned char>(part.front())) != 0)
            bind(part, with(import_traits(part, connector), node, "imported"));
        at = end + 1;
    }
}

}  // namespace segue::audit
