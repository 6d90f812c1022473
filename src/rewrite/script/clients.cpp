#include "rewrite/script/clients.hpp"

#include <fmt/format.h>

#include "base/text.hpp"

namespace segue::rewrite::script {
namespace {

/// The module of the tree that an import names, in the words of `modules`.
std::string resolved(const Modules& modules, std::string_view importer, std::string_view name) {
    const auto known = [&](const std::string& path) {
        if (modules.contains(path)) return path;
        return modules.contains(path + "/index") ? path + "/index" : std::string();
    };
    auto rest = without_ending(name);
    if (rest.starts_with('.')) {
        std::vector<std::string> parts;
        const auto folder =
            importer.substr(0, importer.rfind('/') == importer.npos ? 0 : importer.rfind('/'));
        const std::string whole = std::string(folder) + "/" + rest;  // the parts point into it
        for (const auto part : split(whole, '/')) {
            if (part.empty() || part == ".") continue;
            if (part == ".." && !parts.empty())
                parts.pop_back();
            else
                parts.emplace_back(part);
        }
        return known(join(parts, "/"));
    }
    // "@/lib/client": the end of a path.
    if (!rest.starts_with("@/") && !rest.starts_with("~/")) return {};
    rest = rest.substr(1);
    for (const auto& [path, names] : modules)
        if (path.ends_with(rest) || path.ends_with(rest + "/index")) return path;
    return {};
}

}  // namespace

std::string without_ending(std::string_view path) {
    const auto slash = path.rfind('/');
    const auto dot = path.rfind('.');
    if (dot == path.npos || (slash != path.npos && dot < slash)) return std::string(path);
    const auto ending = path.substr(dot);
    for (const std::string_view known :
         {".ts", ".tsx", ".js", ".jsx", ".mjs", ".cjs", ".mts", ".cts"})
        if (ending == known) return std::string(path.substr(0, dot));
    return std::string(path);
}

Clients::Clients(Node root, const std::string& path, const Modules& modules)
    : root_(root), path_(path), modules_(modules) {
    root_.walk([&](Node node) {
        if (node.is("import_statement")) import_statement(node);
        if (node.is("variable_declarator")) required(node);
        return true;
    });
    for (int round = 0; round < 3; ++round)
        root_.walk([&](Node node) {
            find(node);
            return true;
        });
}

std::string Clients::alias_of(std::string_view name) const {
    for (const auto& [alias, known] : names_)
        if (known == name) return alias;
    return std::string(name);
}

bool Clients::brings(std::string_view name) const {
    for (const auto& [alias, known] : names_)
        if (known == name) return true;
    return false;
}

Names Clients::exports() const {
    Names out;
    const auto add = [&](std::string_view name, std::string_view as) {
        if (clients_.contains(name)) out.emplace(as);
        if (makers_.contains(name)) out.insert(std::string(as) + "()");
    };
    root_.walk([&](Node node) {
        if (node.is("export_statement")) {
            const auto declaration = node.field("declaration");
            for (const auto part : declaration.children())
                if (part.is("variable_declarator"))
                    add(part.field("name").text(), part.field("name").text());
            if (const auto name = declaration.field("name")) add(name.text(), name.text());
            if (const auto value = node.field("value")) {
                add(value.text(), "default");
                if (is_client(value)) out.emplace("default");
            }
        } else if (node.is("export_specifier")) {
            const auto name = node.field("name");
            add(name.text(), node.field("alias") ? node.field("alias").text() : name.text());
        } else if (node.is("assignment_expression") &&
                   node.field("left").text() == "module.exports") {
            const auto right = node.field("right");
            add(right.text(), "default");
            for (const auto part : right.is("object") ? right.children() : std::vector<Node>())
                if (part.is("shorthand_property_identifier")) add(part.text(), part.text());
        }
        return true;
    });
    return out;
}

void Clients::import_statement(Node node) {
    const auto module = string_value(node.field("source")).value_or("");
    if (module != "ollama" && module != "ollama/browser") {
        const auto path = resolved(modules_, path_, module);
        if (!path.empty()) from_module(node, path);
        return;
    }
    imports_.push_back(node);
    browser_ = browser_ || module == "ollama/browser";
    node.walk([&](Node part) {
        const auto parent = part.parent();
        if (part.is("identifier") && parent.is("import_clause"))
            default_name_ = std::string(part.text());
        if (part.is("namespace_import")) name_space_ = part;
        if (part.is("import_specifier")) {
            const auto name = std::string(part.field("name").text());
            const auto alias = part.field("alias");
            names_[alias ? std::string(alias.text()) : name] = name;
            return false;
        }
        return true;
    });
}

/// A client of another module of the project.
void Clients::from_module(Node node, const std::string& path) {
    const auto& names = modules_.find(path)->second;
    const auto take = [&](std::string_view name, std::string_view alias) {
        if (names.contains(name))
            clients_.emplace(alias);
        else if (names.contains(std::string(name) + "()"))
            makers_.emplace(alias);
        else
            return;
        foreign_.insert(path);
    };
    node.walk([&](Node part) {
        const auto parent = part.parent();
        if (part.is("identifier") && parent.is("import_clause")) take("default", part.text());
        if (part.is("namespace_import") && part.count() > 0)
            for (const auto& name : names)
                take(name, std::string(part.at(0).text()) + "." + name);
        if (part.is("import_specifier")) {
            const auto name = part.field("name");
            take(name.text(), part.field("alias") ? part.field("alias").text() : name.text());
            return false;
        }
        if (part.is("shorthand_property_identifier_pattern")) take(part.text(), part.text());
        return true;
    });
}

/// const { Ollama } = require('ollama'), const ollama = require('ollama').default
void Clients::required(Node declarator) {
    auto value = declarator.field("value");
    bool whole = true;
    if (value.is("member_expression") && value.field("property").text() == "default") {
        value = value.field("object");
        whole = false;
    }
    if (!value.is("call_expression") || value.field("function").text() != "require" ||
        value.field("arguments").count() != 1 ||
        string_value(value.field("arguments").at(0)).value_or("") != "ollama") {
        if (value.is("call_expression") && value.field("function").text() == "require") {
            const auto path = resolved(modules_, path_,
                                       string_value(value.field("arguments").at(0)).value_or(""));
            if (path.empty()) return;
            if (declarator.field("name").is("identifier") &&
                modules_.find(path)->second.contains("default")) {
                clients_.emplace(declarator.field("name").text());
                foreign_.insert(path);
            }
            from_module(declarator.field("name"), path);
        }
        return;
    }
    imports_.push_back(declarator.parent());
    common_js_ = true;
    const auto name = declarator.field("name");
    if (name.is("identifier")) {
        if (whole) {
            name_space_ = declarator;
            return;
        }
        default_name_ = std::string(name.text());
    } else {
        for (const auto part : name.children()) {
            if (part.is("shorthand_property_identifier_pattern"))
                names_[std::string(part.text())] = std::string(part.text());
            else if (part.is("pair_pattern")) {
                if (part.field("key").text() == "default")
                    default_name_ = std::string(part.field("value").text());
                else
                    names_[std::string(part.field("value").text())] =
                        std::string(part.field("key").text());
            }
        }
    }
}

std::string Clients::package_name(Node node) const {
    const bool name = node.is("identifier") || node.is("type_identifier") ||
                      node.is("shorthand_property_identifier");
    if (!name) return {};
    if (!default_name_.empty() && node.text() == default_name_) return "default";
    const auto at = names_.find(node.text());
    return at == names_.end() ? std::string() : at->second;
}

bool Clients::makes_client(Node node) const {
    while (node.is("parenthesized_expression") || node.is("await_expression"))
        node = node.at(0);
    return node.is("new_expression") && package_name(node.field("constructor")) == "Ollama";
}

bool Clients::is_client(Node node) const {
    while (node.is("parenthesized_expression") || node.is("non_null_expression"))
        node = node.at(0);
    if (makes_client(node)) return true;
    if (node.is("call_expression")) return makers_.contains(node.field("function").text());
    return clients_.contains(node.text());
}

void Clients::find(Node node) {
    if (node.is("variable_declarator") && node.field("value") && is_client(node.field("value")))
        clients_.emplace(node.field("name").text());
    if (node.is("assignment_expression") && is_client(node.field("right")))
        clients_.emplace(node.field("left").text());
    const bool field = node.is("public_field_definition") || node.is("field_definition");
    if (field) {
        const auto value = node.field("value");
        const auto type = node.field("type");
        if ((value && is_client(value)) ||
            (type.count() > 0 && package_name(type.at(0)) == "Ollama")) {
            auto name = node.field("name");
            if (!name) name = node.field("property");
            clients_.insert("this." + std::string(name.text()));
        }
    }
    if (node.is("required_parameter") || node.is("optional_parameter")) {
        const auto type = node.field("type");
        if (type.count() > 0 && package_name(type.at(0)) == "Ollama") {
            clients_.emplace(node.field("pattern").text());
            if (node.text().find("private") == 0 || node.text().find("readonly") == 0)
                clients_.insert("this." + std::string(node.field("pattern").text()));
        }
    }
    if (node.is("return_statement") && node.count() > 0 && is_client(node.at(0))) {
        const auto scope = scope_of(node);
        if (scope.field("name")) makers_.emplace(scope.field("name").text());
    }
}

}  // namespace segue::rewrite::script
