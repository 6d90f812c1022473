/// A file cut into segments: code, strings, comments, keys, values, prose. The line readers here
/// cover every format; where a grammar parsed the file, its tree only adds to this. Pure functions
/// over one Source; they cannot fail: what they do not understand is code or prose.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "audit/read/source.hpp"

namespace segue::audit {

enum class Region : std::uint8_t {
    kCode,     // identifiers, punctuation
    kString,   // a string literal, without its quotes
    kComment,  // a comment or docstring
    kKey,      // a key of a configuration
    kValue,    // a value of a configuration
    kText,     // text that a template shows to people
    kProse,    // documentation
    kShell,    // a command line inside another format (RUN, run: |, a Makefile recipe)
};

struct Segment {
    std::uint32_t begin = 0;
    std::uint32_t end = 0;
    Region region = Region::kCode;
    std::uint32_t path = 0;  // index into Segments::paths: where a key or value hangs
};

struct Segments {
    std::vector<Segment> list;           // in order, not overlapping
    std::vector<std::string> paths{""};  // "services.llm.image"; the last part is the key itself
};

Segments read_segments(const Source& source);

/// For programming languages (also used for the scripts inside Vue, Svelte and HTML).
void read_code(std::string_view text, std::size_t begin, std::size_t end, Language language,
               std::vector<Segment>& out);
/// HTML, XML, Vue, Svelte.
void read_markup(std::string_view text, Language language, std::vector<Segment>& out);

/// Collects key paths while a configuration is read.
class PathTable {
public:
    explicit PathTable(std::vector<std::string>& paths) : paths_(paths) {}
    std::uint32_t add(std::string path);

private:
    std::vector<std::string>& paths_;
};

void read_yaml(std::string_view text, Segments& out);
void read_json(std::string_view text, Segments& out);
/// TOML, INI, properties, systemd units, .env: sections and `key = value`.
void read_pairs(std::string_view text, Language language, Segments& out);
/// Dockerfile, Makefile, nginx, Caddy, requirements, ignore files, prose.
void read_lines(std::string_view text, Language language, Segments& out);

}  // namespace segue::audit
