#include "rewrite/python/clients.hpp"

#include <fmt/format.h>

namespace segue::rewrite::python {
namespace {

/// Where a name was given a client: the nearest scope around decides.
std::string scoped(Node name) {
    const auto scope = scope_of(name);
    return name.is("identifier") && !scope.is("module")
               ? fmt::format("{}@{}", name.text(), scope.start())
               : std::string(name.text());
}

template <class Each>
void each_name(Node statement, const Each& each) {
    const auto module = statement.field("module_name");
    for (const auto part : statement.children()) {
        if (part == module) continue;
        if (part.is("aliased_import"))
            each(part.field("name").text(), part.field("alias").text());
        else if (part.is("dotted_name"))
            each(part.text(), part.text());
    }
}

ClientKind kind_of(bool async) {
    return async ? ClientKind::kAsync : ClientKind::kSync;
}

}  // namespace

Clients::Clients(Node root, const Modules& modules) : root_(root), modules_(modules) {
    root_.walk([&](Node node) {
        if (node.is("import_statement"))
            plain_import(node);
        else if (node.is("import_from_statement"))
            from_import(node);
        return true;
    });
    for (int round = 0; round < 3; ++round)
        root_.walk([&](Node node) {
            find(node);
            return true;
        });
}

Exports Clients::exports() const {
    Exports out;
    for (const auto& [name, async] : clients_)
        if (name.find_first_of(".@") == std::string::npos) out[name] = async;
    for (const auto& [name, async] : makers_)
        out[name + "()"] = async;
    return out;
}

void Clients::plain_import(Node statement) {
    for (const auto part : statement.children()) {
        const auto name = part.is("aliased_import") ? part.field("name") : part;
        if (name.text() != "ollama") continue;
        packages_.emplace(part.is("aliased_import") ? part.field("alias").text() : name.text());
        imports_.push_back(statement);
    }
}

void Clients::from_import(Node statement) {
    const auto module = statement.field("module_name").text();
    if (module == "ollama") {
        imports_.push_back(statement);
        each_name(statement, [&](std::string_view name, std::string_view alias) {
            names_[std::string(alias)] = std::string(name);
        });
        return;
    }
    // A client of another module of the project.
    const auto stem = module.substr(module.rfind('.') + 1);
    const auto at = modules_.find(stem);
    if (at == modules_.end()) return;
    each_name(statement, [&](std::string_view name, std::string_view alias) {
        for (const auto& [known, async] : at->second) {
            if (known == name)
                clients_[std::string(alias)] = async;
            else if (known == std::string(name) + "()")
                makers_[std::string(alias)] = async;
            else
                continue;
            foreign_.insert(std::string(stem));
        }
    });
}

std::string Clients::package_name(Node node) const {
    if (node.is("attribute") && node.field("object").is("identifier") &&
        packages_.contains(node.field("object").text()))
        return std::string(node.field("attribute").text());
    if (node.is("identifier"))
        if (const auto at = names_.find(node.text()); at != names_.end()) return at->second;
    return {};
}

ClientKind Clients::kind(Node node) const {
    while (node.is("await") || node.is("parenthesized_expression"))
        node = node.at(0);
    if (!node.is("call")) return bound(node);
    const auto callee = node.field("function");
    const auto made = package_name(callee);
    if (made == "Client") return ClientKind::kSync;
    if (made == "AsyncClient") return ClientKind::kAsync;
    const auto name = callee.is("attribute") ? callee.field("attribute") : callee;
    const auto at = makers_.find(name.text());
    return at == makers_.end() ? ClientKind::kNone : kind_of(at->second);
}

ClientKind Clients::bound(Node node) const {
    if (node.is("identifier"))
        for (Node scope = scope_of(node); scope && !scope.is("module"); scope = scope_of(scope)) {
            const auto at = clients_.find(fmt::format("{}@{}", node.text(), scope.start()));
            if (at != clients_.end()) return kind_of(at->second);
            // Bound to something else there.
            for (const auto name : names_in(scope, node.text())) {
                const auto parent = name.parent();
                if ((parent.is("assignment") && parent.field("left") == name) ||
                    parent.is("as_pattern_target") || parent.is("parameters"))
                    return ClientKind::kNone;
            }
        }
    const auto at = clients_.find(node.text());
    return at == clients_.end() ? ClientKind::kNone : kind_of(at->second);
}

void Clients::keep(Node name, ClientKind kind) {
    if (kind != ClientKind::kNone) clients_[scoped(name)] = kind == ClientKind::kAsync;
}

void Clients::find(Node node) {
    if (node.is("assignment")) {
        const auto left = node.field("left");
        if (node.field("right") && (left.is("identifier") || left.is("attribute")))
            keep(left, kind(node.field("right")));
        if (const auto type = node.field("type")) typed(left, type);
    } else if (node.is("typed_parameter")) {
        typed(node.at(0), node.field("type"));
    } else if (node.is("typed_default_parameter")) {
        typed(node.field("name"), node.field("type"));
    } else if (node.is("return_statement") && node.count() > 0) {
        const auto function = scope_of(node);
        const auto made = kind(node.at(0));
        if (made != ClientKind::kNone && function.is("function_definition"))
            makers_[std::string(function.field("name").text())] = made == ClientKind::kAsync;
    } else if (node.is("as_pattern")) {
        keep(node.at(1).count() > 0 ? node.at(1).at(0) : node.at(1), kind(node.at(0)));
    }
}

void Clients::typed(Node name, Node type) {
    type.walk([&](Node part) {
        const auto what = package_name(part);
        if (what == "Client" || what == "AsyncClient") keep(name, kind_of(what == "AsyncClient"));
        return what.empty();
    });
}

bool Clients::takes_client(std::string_view function) const {
    bool found = false;
    root_.walk([&](Node node) {
        if (node.is("function_definition") && node.field("name").text() == function)
            for (const auto parameter : node.field("parameters").children()) {
                const auto name =
                    parameter.is("typed_parameter") ? parameter.at(0) : parameter.field("name");
                found = found || (name && clients_.contains(scoped(name)));
            }
        return !found;
    });
    return found;
}

}  // namespace segue::rewrite::python
