#include "audit/flow/flow.hpp"

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "audit/flow/reach.hpp"
#include "audit/flow/world.hpp"
#include "audit/judge.hpp"
#include "audit/read/imports.hpp"
#include "audit/rules/rule.hpp"
#include "audit/text/vocabulary.hpp"
#include "audit/workers.hpp"
#include "base/text.hpp"

namespace segue::audit {
namespace {

constexpr int kRounds = 8;
constexpr int kSteps = 12;                   // from importer to importer
constexpr std::size_t kMaxParse = 4U << 20;  // a source file of more is data

/// Everything but [begin, end) becomes spaces; line ends stay.
void blank(std::string& text, std::size_t begin, std::size_t end) {
    for (std::size_t i = begin; i < end && i < text.size(); ++i)
        if (text[i] != '\n') text[i] = ' ';
}

/// The scripts of a Vue or Svelte file at their own offsets, and what language they are in.
Language cut_scripts(std::string& text) {
    Language language = Language::kJavaScript;
    std::size_t at = 0;
    while (true) {
        const auto open = text.find("<script", at);
        if (open == std::string::npos) break;
        const auto begin = text.find('>', open);
        if (begin == std::string::npos) break;
        const auto attributes = std::string_view(text).substr(open, begin - open);
        if (attributes.find("ts") != std::string_view::npos) language = Language::kTypeScript;
        blank(text, at, begin + 1);
        const auto close = std::min(text.find("</script", begin), text.size());
        at = close;
    }
    blank(text, at, text.size());
    return language;
}

/// The code of a notebook's cells, with the place of each byte.
void cut_cells(const ParsedFile& file, FlowFile& out) {
    const auto text = file.source.text();
    for (const auto& segment : file.segments.list) {
        if (segment.region != Region::kValue ||
            !file.segments.paths[segment.path].ends_with("source"))
            continue;
        const auto line = text.substr(segment.begin, segment.end - segment.begin);
        if (trim(line).starts_with('%') || trim(line).starts_with('!')) continue;
        for (std::size_t i = 0; i < line.size(); ++i) {
            char c = line[i];
            const auto from = segment.begin + static_cast<std::uint32_t>(i);
            if (c == '\\' && i + 1 < line.size()) {
                ++i;
                c = line[i] == 'n' ? '\n' : line[i] == 't' ? '\t' : line[i];
            }
            out.script->push_back(c);
            out.origin.push_back(from);
        }
        if (out.script->empty() || out.script->back() != '\n') {
            out.script->push_back('\n');
            out.origin.push_back(segment.end);
        }
    }
    out.language = Language::kPython;
}

/// 100,000 brackets make a tree of that depth: no recursion goes there.
bool too_deep(std::string_view text) {
    std::size_t depth = 0;
    for (const char c : text) {
        if (c == '(' || c == '[' || c == '{') {
            if (++depth > 400) return true;
        } else if ((c == ')' || c == ']' || c == '}') && depth > 0) {
            --depth;
        }
    }
    return false;
}

bool worth_parsing(const ParsedFile& file) {
    return file.follow != Follow::kNothing ||
           std::any_of(file.tokens.begin(), file.tokens.end(), [](const Token& token) {
               return token.type == TokenType::kWord || token.type == TokenType::kPort ||
                      token.type == TokenType::kPath || token.type == TokenType::kOption ||
                      token.type == TokenType::kLearned || token.type == TokenType::kReplyField ||
                      (token.type == TokenType::kTag);
           });
}

bool prepare(ParsedFile& file, FlowFile& out) {
    const auto& form = file.source.form();
    if (form.history || form.derived || file.source.text().size() > kMaxParse) return false;
    out.parsed = &file;
    out.language = form.language;
    switch (form.language) {
        case Language::kVue:
        case Language::kSvelte:
            *out.script = file.source.text();
            out.language = cut_scripts(*out.script);
            break;
        case Language::kNotebook: cut_cells(file, out); break;
        case Language::kPython:
        case Language::kJavaScript:
        case Language::kTypeScript:
        case Language::kTsx:
        case Language::kGo:
        case Language::kJava:
        case Language::kCSharp:
        case Language::kRust: *out.script = file.source.text(); break;
        default: return false;
    }
    if (too_deep(*out.script)) return false;
    out.around = std::make_unique<const Surroundings>(file);
    out.speaks = out.around->speaks_ollama();
    return true;
}

/// Text between JSX tags is no code, as the lexer took it: where a token lies in it, it becomes a
/// segment of its own.
void mark_texts(FlowFile& file, const Tree& tree) {
    auto& parsed = *file.parsed;
    std::map<std::uint32_t, std::uint32_t> texts;  // from, to
    for (const auto& token : parsed.tokens) {
        const TSNode node = ts_node_descendant_for_byte_range(tree.root(), token.begin, token.end);
        if (!is_null(node) && std::string_view(ts_node_type(node)) == "jsx_text")
            texts.emplace(ts_node_start_byte(node), ts_node_end_byte(node));
    }
    if (texts.empty()) return;
    auto& list = parsed.segments.list;
    std::vector<Segment> cut;
    for (const auto& [from, to] : texts)
        cut.push_back({from, to, Region::kText, 0});
    for (Segment left : list) {
        for (const auto& [from, to] : texts) {
            if (to <= left.begin || from >= left.end) continue;
            if (from > left.begin) {
                cut.push_back(left);
                cut.back().end = from;
            }
            left.begin = std::min(to, left.end);
        }
        if (left.begin < left.end) cut.push_back(left);
    }
    std::sort(cut.begin(), cut.end(),
              [](const Segment& a, const Segment& b) { return a.begin < b.begin; });
    list = std::move(cut);
    for (auto& token : parsed.tokens)
        token.segment = segment_at(parsed.segments, token.begin);
}

void parse_one(FlowFile& file) {
    auto tree = Tree::parse(file.language, *file.script);
    // JSX that the JavaScript grammar cannot read is tried with TSX.
    if (tree && tree->has_error() &&
        (file.language == Language::kJavaScript || file.language == Language::kTypeScript)) {
        auto again = Tree::parse(Language::kTsx, *file.script);
        if (again && !again->has_error()) {
            tree = std::move(again);
            file.language = Language::kTsx;
        }
    }
    file.parsed->tree = tree.has_value();
    if (!tree) return;
    if (file.origin.empty()) mark_texts(file, *tree);
    file.nodes = std::make_unique<const Nodes>(*tree, *file.script);
}

}  // namespace

bool World::leads_on(const Value& value, int depth) const {
    if ((value.traits | value.returns) != 0) return true;
    if (depth == 0) return false;
    for (const int shape : {value.shape, value.returns_shape})
        if (shape >= 0)
            for (const auto& [name, attribute] : shapes[static_cast<std::size_t>(shape)])
                if (leads_on(attribute, depth - 1)) return true;
    return false;
}

bool World::is_stale(std::size_t file) const {
    if (!files[file].nodes) return false;
    const auto& passed = files[file].passed;
    if (!passed) return true;
    const auto newer = [&](Cell read) {
        const auto found = changed_.find(read);
        return found != changed_.end() && found->second > *passed;
    };
    return newer(cell(CellKind::kFile, file)) ||
           std::any_of(files[file].read.begin(), files[file].read.end(), newer);
}

void World::resolve_again() {
    for (std::size_t i = 0; i < files.size(); ++i)
        if (std::any_of(files[i].imports.begin(), files[i].imports.end(),
                        [&](const auto& known) { return resolve(known.first, i) != known.second; }))
            files[i].passed.reset();
}

bool World::gives(std::size_t file) const {
    const auto scope = files[file].scopes.find(0);
    return scope != files[file].scopes.end() &&
           std::any_of(scope->second.begin(), scope->second.end(),
                       [&](const auto& name) { return leads_on(name.second); });
}

void World::add(FlowFile file) {
    modules.add(module_stem(file.parsed->source.path()), files.size());
    files.push_back(std::move(file));
}

namespace {

/// Those of the files that import one of `giving`. Many modules are called base or utils: the one
/// that is meant must be among them.
void keep_importers(std::vector<Importer>& found, const World& world,
                    const std::set<std::size_t>& giving, unsigned threads) {
    Modules modules = world.modules;
    Modules wanted;  // most modules are told apart by their names alone
    const std::size_t known = world.files.size();
    for (const auto file : giving)
        wanted.add(module_stem(world.files[file].parsed->source.path()), file);
    for (std::size_t i = 0; i < found.size(); ++i)
        if (const auto stem = module_stem(found[i].path); !modules.has(stem))
            modules.add(stem, known + i);  // x.js beside x.ts: that one stays what x means
    std::vector<std::uint8_t> keep(found.size(), 0);
    in_parallel(found.size(), threads, [&](std::size_t i) {
        const auto& file = found[i];
        // Of some languages the imports name no files.
        keep[i] =
            !file.modules ||
            std::any_of(file.modules->begin(), file.modules->end(), [&](const std::string& module) {
                if (!wanted.may_mean(module)) return false;
                const auto meant = modules.resolve(module, file.path, file.language);
                return meant && giving.contains(*meant);
            });
    });
    std::size_t index = 0;
    std::erase_if(found, [&](const Importer&) { return keep[index++] == 0; });
}

}  // namespace

Flow follow(std::vector<ParsedFile>& files, const Model& model, unsigned threads,
            const ReadMore& more) {
    Flow out;
    World world(model);
    Reach reach(world, threads);
    const auto take = [&](std::size_t from) {
        std::vector<FlowFile> fresh(files.size() - from);
        in_parallel(fresh.size(), threads, [&](std::size_t i) {
            auto& file = files[from + i];
            if (worth_parsing(file) && !prepare(file, fresh[i])) fresh[i].parsed = nullptr;
        });
        for (std::size_t i = 0; i < fresh.size(); ++i) {
            fresh[i].index = from + i;
            if (fresh[i].parsed != nullptr) world.add(std::move(fresh[i]));
        }
        auto chosen = reach.more();
        // The largest first: one that begins last would keep everything waiting.
        std::stable_sort(chosen.begin(), chosen.end(), [&](std::size_t a, std::size_t b) {
            return world.files[a].script->size() > world.files[b].script->size();
        });
        in_parallel(chosen.size(), threads,
                    [&](std::size_t i) { parse_one(world.files[chosen[i]]); });
        for (const auto file : chosen) {
            ++out.parsed;
            out.bytes += world.files[file].script->size();
        }
    };
    const auto rounds = [&] {
        for (int round = 0; round < kRounds; ++round) {
            bool settled = true;
            for (std::size_t i = 0; i < world.files.size(); ++i) {
                if (!world.is_stale(i)) continue;
                pass(world, i, false);
                settled = false;
            }
            if (settled) break;
        }
    };
    take(0);
    rounds();
    // Who imports a module that hands out a client, an address or a model is read too, and who
    // imports those that hand it on: step by step, since most of the importers keep it to
    // themselves, and what these are imported by would soon be the whole tree.
    std::set<std::size_t> asked;
    for (int step = 0; more.find && step < kSteps; ++step) {
        std::set<std::size_t> giving;
        std::vector<std::string> words;
        for (std::size_t i = 0; i < world.files.size(); ++i) {
            const auto word = module_name(world.files[i].parsed->source.path());
            if (word.size() <= 2 || !world.gives(i) || !asked.insert(i).second) continue;
            words.push_back(word);
            giving.insert(i);
        }
        if (giving.empty()) break;
        auto chosen = more.find(words);
        keep_importers(chosen, world, giving, threads);
        std::set<std::string_view> known;
        for (const auto& file : files)
            known.insert(file.source.path());
        std::erase_if(chosen, [&](const Importer& file) { return known.contains(file.path); });
        if (chosen.empty()) break;
        auto read = more.read(chosen);
        const auto old = files.size();
        std::move(read.begin(), read.end(), std::back_inserter(files));
        for (auto& file : world.files)
            file.parsed = &files[file.index];  // the list may have moved
        take(old);
        world.resolve_again();
        rounds();
    }
    for (std::size_t i = 0; i < world.files.size(); ++i) {
        if (!world.files[i].nodes) continue;
        pass(world, i, true);
        auto& file = *world.files[i].parsed;
        std::stable_sort(file.tokens.begin(), file.tokens.end(),
                         [](const Token& a, const Token& b) { return a.begin < b.begin; });
        if (world.files[i].nodes->has_error()) {
            // The first place that the grammar did not understand.
            Finding finding = finding_at(file, 0, 0);
            finding.rule = 161;
            finding.level = Level::kNote;
            finding.confidence = Confidence::kCertain;
            finding.message =
                "a part of the file has a syntax that the grammar does not know; there the line "
                "reader was used";
            finding.fix.mode = "none";
            if (world.files[i].speaks) out.failed.push_back(std::move(finding));
        }
    }
    return out;
}

}  // namespace segue::audit
