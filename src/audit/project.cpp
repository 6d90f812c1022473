#include "audit/project.hpp"

#include <algorithm>
#include <cctype>
#include <climits>
#include <cstdlib>
#include <iterator>
#include <map>
#include <mutex>
#include <tuple>
#include <utility>

#include "audit/judge.hpp"
#include "audit/learned.hpp"
#include "audit/text/matcher.hpp"
#include "audit/text/vocabulary.hpp"
#include "audit/workers.hpp"
#include "base/text.hpp"

namespace segue::audit {

namespace {

bool holds_api_folder(std::string_view path) {
    for (auto at = path.find('/'); at != std::string_view::npos; at = path.find('/', at + 1))
        if (at >= 3 && iequals(path.substr(at - 3, 3), "api")) return true;
    return false;
}

/// Files that are routes: Next, Nuxt, SvelteKit.
void add_file_route(const std::string& path, std::set<std::string, std::less<>>& routes) {
    for (const std::string_view folder : {"app/api/", "server/api/", "pages/api/", "routes/api/"}) {
        const auto at = path.find(folder);
        if (at == std::string::npos) continue;
        auto rest = path.substr(at + folder.size());
        rest = rest.substr(0, rest.find_last_of('.'));
        for (const std::string_view end :
             {"/route", "/index", "/+server", ".post", ".get", ".delete", ".put"})
            if (rest.ends_with(end)) rest.resize(rest.size() - end.size());
        routes.emplace("/api/" + rest);
    }
}

}  // namespace

TreeFacts facts_of(const std::vector<std::string>& paths) {
    TreeFacts out{Paths(paths), {}};
    for (const auto& path : paths)
        if (holds_api_folder(path)) add_file_route(to_lower(path), out.routes);
    return out;
}

void Project::set_tree(TreeFacts facts) {
    model_.paths = std::move(facts.paths);
    model_.routes.merge(facts.routes);
}

bool Project::take(Scanned&& scanned) {
    model_.routes.merge(scanned.routes);
    switch (scanned.state) {
        case Scanned::State::kNothing: return false;
        case Scanned::State::kRead: files_.push_back(std::move(scanned.file)); return true;
        case Scanned::State::kDerived:
            if (!options_.disabled.contains(150))
                report_.findings.push_back(std::move(scanned.derived));
            return true;
        case Scanned::State::kUnread: return true;
    }
    return false;
}

void Project::sort_files() {
    std::sort(files_.begin(), files_.end(), [](const ParsedFile& a, const ParsedFile& b) {
        return a.source.path() < b.source.path();
    });
}

void Project::learn(const Walk* walked) {
    for (const auto& name : policy_.own_names)
        model_.own_names.insert(normalised(name));
    for (const auto& host : policy_.gateway)
        model_.gateways.insert(host);
    for (const auto& name : policy_.data_names)
        model_.data_names.insert(normalised(name));
    model_.model_ids = policy_.models;
    if (walked != nullptr) {
        auto remote = std::string_view(walked->git.remote);
        if (remote.ends_with(".git")) remote.remove_suffix(4);
        add_own(remote.substr(remote.find_last_of("/:") + 1));
        std::string root = walked->root;
        if (char resolved[PATH_MAX]; realpath(root.c_str(), resolved) != nullptr) root = resolved;
        add_own(std::string_view(root).substr(root.rfind('/') + 1));
    }
    for (const auto& file : files_)
        learn_own_names(file, model_);
    for (int round = 0; round < 4; ++round) {
        bool news = false;
        for (const auto& file : files_)
            news = learn_services(file, model_) || news;
        if (!news) break;
    }
    std::vector<Model> said(files_.size());
    in_parallel(files_.size(), options_.threads,
                [&](std::size_t i) { audit::learn(files_[i], said[i]); });
    for (auto& of_file : said) {  // of what two files say of a name, the first counts
        model_.learned.merge(of_file.learned);
        model_.routes.merge(of_file.routes);
        model_.defined.merge(of_file.defined);
    }
}

void Project::add_own(std::string_view name) {
    const auto bare = normalised(name);
    if (has_word(name) && bare != "ollama" && bare.size() > 6) model_.own_names.insert(bare);
}

std::vector<std::string> Project::learned_words() const {
    std::vector<std::string> words;
    for (const auto& [name, what] : model_.learned)
        words.push_back(to_lower(name));
    return words;
}

/// Keeps `only` and the code that their findings can depend on: modules that they name, those that
/// these name, and those that name one of `only`. By names alone: too many is no harm.
void Project::narrow(const std::set<std::string>& only) {
    std::multimap<std::string, std::size_t, std::less<>> by_module;
    std::vector<std::string> changed;
    std::vector<std::size_t> ask;  // kept, and not asked yet what it names
    std::vector<std::uint8_t> kept(files_.size(), 0);
    const auto keep = [&](std::size_t i) {
        if (std::exchange(kept[i], 1) == 0) ask.push_back(i);
    };
    for (std::size_t i = 0; i < files_.size(); ++i) {
        auto module = module_name(files_[i].source.path());
        if (only.contains(files_[i].source.path())) {
            if (module.size() > 2) changed.push_back(module);
            keep(i);
        }
        if (files_[i].source.form().code) by_module.emplace(std::move(module), i);
    }
    const std::vector<std::string_view> views(changed.begin(), changed.end());
    const Matcher names_changed(views);
    for (std::size_t i = 0; i < files_.size() && !changed.empty(); ++i)
        if (files_[i].source.form().code && names_changed.matches(files_[i].source.text()))
            kept[i] = 1;  // what these name besides is of no interest
    while (!ask.empty()) {
        const auto& file = files_[ask.back()];
        ask.pop_back();
        if (!file.source.form().code) continue;
        for (const auto& name : imported_names(file))
            for (auto [at, end] = by_module.equal_range(name); at != end; ++at)
                keep(at->second);
    }
    // Files of one Go package see each other without an import.
    std::set<std::string, std::less<>> packages;
    const auto folder = [](const ParsedFile& file) {
        const auto& path = file.source.path();
        return path.substr(0, std::min(path.rfind('/'), path.size()));
    };
    const auto is_go = [](const ParsedFile& file) {
        return file.source.form().language == Language::kGo;
    };
    for (std::size_t i = 0; i < files_.size(); ++i)
        if (kept[i] != 0 && is_go(files_[i])) packages.insert(folder(files_[i]));
    for (std::size_t i = 0; i < files_.size(); ++i)
        if (is_go(files_[i]) && packages.contains(folder(files_[i]))) kept[i] = 1;
    std::size_t index = 0;
    std::erase_if(files_, [&](const ParsedFile&) { return kept[index++] == 0; });
}

void Project::finish(const ReadMore& read_more, const std::set<std::string>* only) {
    if (only != nullptr) narrow(*only);
    if (!model_.learned.empty())
        in_parallel(files_.size(), options_.threads,
                    [&](std::size_t i) { add_learned_tokens(files_[i], model_); });
    auto flown = follow(files_, model_, options_.threads, read_more);
    report_.stats.parsed = flown.parsed;
    report_.stats.parsed_bytes = flown.bytes;
    if (only != nullptr)
        std::erase_if(files_,
                      [&](const ParsedFile& file) { return !only->contains(file.source.path()); });
    std::mutex guard;
    in_parallel(files_.size(), options_.threads, [&](std::size_t i) {
        auto found = judge(files_[i], model_, options_.disabled);
        if (options_.look_alikes && !options_.disabled.contains(156)) {
            auto alike = look_alikes(files_[i], found);
            found.insert(found.end(), std::make_move_iterator(alike.begin()),
                         std::make_move_iterator(alike.end()));
        }
        const std::scoped_lock lock(guard);
        report_.findings.insert(report_.findings.end(), std::make_move_iterator(found.begin()),
                                std::make_move_iterator(found.end()));
    });
    std::move(flown.failed.begin(), flown.failed.end(), std::back_inserter(report_.findings));
    if (!options_.only.empty())
        std::erase_if(report_.findings,
                      [&](const Finding& f) { return !options_.only.contains(f.rule); });
    suppress(files_, policy_, options_, report_);
    if (only != nullptr)
        std::erase_if(report_.findings, [&](const Finding& f) { return !only->contains(f.path); });
    std::stable_sort(report_.findings.begin(), report_.findings.end(),
                     [](const Finding& a, const Finding& b) {
                         return std::tie(a.path, a.line, a.column, a.rule) <
                                std::tie(b.path, b.line, b.column, b.rule);
                     });
    number(report_.findings);
}

}  // namespace segue::audit
