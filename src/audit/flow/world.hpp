/// All that the flow knows while it runs: the files with their trees, names by scope, attributes by
/// shape, functions with their parameters. One thread; lives for one follow().
///
/// A file is passed over again only when something that its last pass read has changed since: each
/// pass notes the cells that it reads, and a clock that ticks with every change tells what is
/// newer.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "audit/flow/modules.hpp"
#include "audit/flow/values.hpp"
#include "audit/model.hpp"
#include "audit/rules/rule.hpp"
#include "audit/syntax/nodes.hpp"

namespace segue::audit {

/// What a pass can read and change: the names of a file, the attributes of a shape, what a function
/// takes and gives, the list of Go's types.
using Cell = std::uint64_t;
enum class CellKind : std::uint8_t { kFile, kShape, kFunction, kGoTypes };
inline Cell cell(CellKind kind, std::size_t index = 0) {
    return (static_cast<Cell>(index) << 2U) | static_cast<Cell>(kind);
}

struct Function {
    std::size_t file = 0;
    std::uint32_t scope = 0;
    std::vector<std::string> parameters;
    Value returns;
    bool chooses = false;  // it gives another engine's setting as well: which one is its caller's
};

struct FlowFile {
    ParsedFile* parsed = nullptr;
    std::size_t index = 0;  // of `parsed` among all files
    // What the grammar reads, at the file's offsets. The nodes point into it: it must not move.
    std::unique_ptr<std::string> script = std::make_unique<std::string>();
    std::vector<std::uint32_t> origin;  // notebooks: offset of each byte in the file
    Language language = Language::kOther;
    std::unique_ptr<const Nodes> nodes;     // none while nothing reaches it: see reach.hpp
    std::map<std::uint32_t, Names> scopes;  // by the first byte of the function; 0 = the module
    bool speaks = false;
    std::unique_ptr<const Surroundings> around;
    std::set<std::pair<std::uint32_t, int>> emitted;
    // Of the last pass: when it began (none: never), what it read of others, what it imports.
    std::optional<std::uint64_t> passed;
    std::unordered_set<Cell> read;
    std::map<std::string, std::optional<std::size_t>, std::less<>> imports;
};

class World {
public:
    explicit World(const Model& known) : model(known) {}

    const Model& model;
    std::vector<FlowFile> files;
    std::vector<Names> shapes;
    std::map<std::string, int> shape_ids;              // "path:Class", "path@offset"
    std::map<std::string, int, std::less<>> go_types;  // "config.Config"
    std::vector<Function> functions;
    std::map<std::pair<std::size_t, std::uint32_t>, int> function_ids;
    Modules modules;

    void add(FlowFile file);
    /// After files were added: whose imports lead elsewhere now is passed over again.
    void resolve_again();
    void note_change(Cell changed) { changed_[changed] = ++clock_; }
    std::uint64_t clock() const { return clock_; }
    /// Its last pass would find something new.
    bool is_stale(std::size_t file) const;
    /// Whoever gets it can reach a client, an address or a model.
    bool leads_on(const Value& value, int depth = 3) const;
    /// One of its names leads on.
    bool gives(std::size_t file) const;

    int shape(const std::string& id) {
        const auto [at, fresh] = shape_ids.try_emplace(id, static_cast<int>(shapes.size()));
        if (!fresh) return at->second;
        shapes.emplace_back();
        // "go api/internal/config:Config" is "config.Config" in other packages.
        if (id.starts_with("go ")) {
            auto name = id.substr(id.find_last_of("/ ") + 1);
            if (const auto colon = name.find(':'); colon != std::string::npos) name[colon] = '.';
            go_types.try_emplace(std::move(name), at->second);
            note_change(cell(CellKind::kGoTypes));
        }
        return at->second;
    }
    /// The shape of a Go type that is named with its package; -1 when the tree has none.
    int go_type(std::string_view name) const {
        const auto known = go_types.find(name);
        return known == go_types.end() ? -1 : known->second;
    }
    int function(std::size_t file, std::uint32_t scope) {
        const auto [at, fresh] =
            function_ids.try_emplace({file, scope}, static_cast<int>(functions.size()));
        if (fresh) functions.push_back({file, scope, {}, {}});
        return at->second;
    }
    /// The file of the tree that a module names, as seen from the file `importer`.
    std::optional<std::size_t> resolve(std::string_view module, std::size_t importer) const {
        const auto& file = files[importer];
        return modules.resolve(module, file.parsed->source.path(), file.language);
    }

private:
    std::uint64_t clock_ = 0;
    std::unordered_map<Cell, std::uint64_t> changed_;  // when
};

/// One pass over one file: binds names, and with `emit` adds the tokens.
void pass(World& world, std::size_t file, bool emit);

}  // namespace segue::audit
