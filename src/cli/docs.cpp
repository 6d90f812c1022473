#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <functional>
#include <future>
#include <optional>
#include <ostream>

#include "base/json.hpp"
#include "base/text.hpp"
#include "cli/rag_commands.hpp"
#include "rag/embed/embedder.hpp"
#include "rag/ingest/embedding_queue.hpp"
#include "rag/ingest/library.hpp"
#include "rag/search/explain.hpp"
#include "rag/search/searcher.hpp"
#include "serve/embedding.hpp"
#include "serve/store_house.hpp"

namespace segue::cli {
namespace {

const rag::Reader kEverybody = rag::Reader::administrator();

/// The collection of that name; a new one is readable by everyone who may sign in.
Result<rag::CollectionEntry> collection_of(store::Pool& pool, const std::string& slug) {
    rag::Collections collections(pool);
    auto found = collections.entry(kEverybody, slug);
    if (found || found.error().fault != Fault::kNotFound) return found;
    rag::NewCollection wanted;
    wanted.slug = slug;
    wanted.readers = {{rag::Grant::Kind::kEveryone, ""}};
    SEGUE_TRY(made, collections.create(wanted));
    return collections.entry(kEverybody, made.slug);
}

struct Tally {
    std::vector<rag::Outcome> outcomes;
    std::vector<std::string> removed;
    std::size_t count(rag::Outcome::Kind kind) const {
        return static_cast<std::size_t>(
            std::count_if(outcomes.begin(), outcomes.end(),
                          [&](const auto& outcome) { return outcome.kind == kind; }));
    }
};

std::string_view kind_name(rag::Outcome::Kind kind) {
    switch (kind) {
        case rag::Outcome::Kind::kAdded: return "added";
        case rag::Outcome::Kind::kChanged: return "changed";
        case rag::Outcome::Kind::kUnchanged: return "unchanged";
        case rag::Outcome::Kind::kFailed: return "failed";
    }
    return "";
}

int print_tally(const Tally& tally, std::string_view collection, const std::string& embedding,
                Console& console) {
    using Kind = rag::Outcome::Kind;
    std::size_t passages = 0;
    for (const auto& outcome : tally.outcomes)
        passages += outcome.passages;
    if (console.output == Output::kJson) {
        console.out << json::object([&](json::Writer& w) {
            w.member("collection", collection).member("added", tally.count(Kind::kAdded));
            w.member("changed", tally.count(Kind::kChanged));
            w.member("unchanged", tally.count(Kind::kUnchanged));
            w.member("removed", tally.removed.size()).member("passages", passages);
            w.key("failed").begin_array();
            for (const auto& outcome : tally.outcomes)
                if (outcome.kind == Kind::kFailed) {
                    w.begin_object();
                    w.member("path", outcome.path).member("problem", outcome.problem);
                    w.end_object();
                }
            w.end_array();
            w.member("embedding", embedding);
        }) << '\n';
    } else {
        for (const auto& outcome : tally.outcomes) {
            if (outcome.kind == Kind::kFailed)
                console.out << console.red("failed") << "    " << outcome.path << ": "
                            << outcome.problem << '\n';
            else if (outcome.kind != Kind::kUnchanged)
                console.out << fmt::format("{:<9} {} ({} passages, {} of them new)\n",
                                           kind_name(outcome.kind), outcome.path, outcome.passages,
                                           outcome.fresh);
        }
        for (const auto& path : tally.removed)
            console.out << "removed   " << path << '\n';
        console.out << fmt::format(
            "{}: {} added, {} changed, {} unchanged, {} removed, {} failed; {}\n", collection,
            tally.count(Kind::kAdded), tally.count(Kind::kChanged), tally.count(Kind::kUnchanged),
            tally.removed.size(), tally.count(Kind::kFailed), embedding);
    }
    return tally.count(Kind::kFailed) > 0 ? kNo : kFine;
}

/// Loads the embedding model, behind what the caller does; none where none is wanted.
std::future<serve::OpenedEmbedder> load_embedder(const DocsArguments& arguments,
                                                 const Console& console) {
    if (arguments.no_embedding) return {};
    return std::async(std::launch::async, [&arguments, &console] {
        const auto loaded = serve::load_config(arguments.flags, console.environment);
        return serve::open_embedder(loaded.config, console.environment);
    });
}

/// Gives new passages their vectors, behind the reader, which waits for files and for the database
/// more than it computes.
class Embedding {
public:
    Embedding(store::Pool& pool, std::future<serve::OpenedEmbedder> loading)
        : pool_(pool), loading_(std::move(loading)) {}

    /// There are new passages. Nobody waits for a model that is still being loaded.
    void wake() {
        if (loading_.valid() &&
            loading_.wait_for(std::chrono::seconds(0)) == std::future_status::ready) {
            open();
            if (queue_) queue_->start();
        }
        if (queue_) queue_->wake();
    }

    /// What is left; says how it went.
    std::string finish(Console& console) {
        open();
        if (!embedder_) return fmt::format("found by keywords only: {}", embedder_.error().detail);
        if (!queue_) return "not embedded: segue serve does it behind";
        queue_->stop();
        const bool live = isatty(STDERR_FILENO) == 1;
        std::function<void(const rag::Vectors::Progress&)> tell;
        if (live)
            tell = [&](const rag::Vectors::Progress& progress) {
                console.err << fmt::format("\r\x1b[Kembedding: {} of {}", progress.embedded,
                                           progress.passages);
            };
        const auto done = queue_->run_once({}, tell);
        if (live) console.err << "\r\x1b[K";
        if (!done) return fmt::format("not all embedded: {}", done.error().detail);
        return fmt::format("{} passages embedded", queue_->embedded());
    }

private:
    void open() {
        if (!loading_.valid()) return;
        embedder_ = loading_.get();
        if (!embedder_) return;
        queue_.emplace(pool_, **embedder_);
    }

    store::Pool& pool_;
    std::future<serve::OpenedEmbedder> loading_;
    serve::OpenedEmbedder embedder_;
    std::optional<rag::EmbeddingQueue> queue_;
};

int add_or_sync(const DocsArguments& arguments, Console& console, bool follow) {
    std::signal(SIGPIPE, SIG_IGN);  // NOLINT: a parser that died is an error, not a signal
    std::vector<rag::SourceFile> files;
    std::vector<std::string> unreadable;
    for (const auto& path : arguments.paths) {
        const auto found = rag::find_files(path, unreadable);
        if (!found) return report(console, found.error());
        files.insert(files.end(), found->begin(), found->end());
    }
    auto loading = load_embedder(arguments, console);
    const auto store = serve::open_ready_store(arguments.flags, console.environment);
    if (!store) return report(console, store.error());
    auto& pool = (*store)->pool();
    const auto collection = collection_of(pool, arguments.collection);
    if (!collection) return report(console, collection.error());
    Embedding embedding(pool, std::move(loading));
    rag::Library library(pool);
    Tally tally;
    std::vector<std::string> paths;
    const bool live = isatty(STDERR_FILENO) == 1;
    for (const auto& file : files) {
        if (live)
            console.err << fmt::format("\r\x1b[K{} of {}: {}", tally.outcomes.size() + 1,
                                       files.size(), file.path);
        paths.push_back(file.path);
        auto outcome = library.add_file(collection->id, file, "command line");
        if (!outcome) return report(console, outcome.error());
        if (outcome->fresh > 0) embedding.wake();
        tally.outcomes.push_back(std::move(*outcome));
    }
    if (live) console.err << "\r\x1b[K";
    for (const auto& folder : unreadable)
        console.err << "segue: the folder " << folder << " cannot be read and was left out\n";
    // A folder that cannot be read is not one that is empty.
    if (follow && unreadable.empty()) {
        auto gone = library.remove_others(collection->id, paths);
        if (!gone) return report(console, gone.error());
        tally.removed = std::move(*gone);
    }
    if (files.size() > 100)
        if (const auto settled = rag::Index(pool).settle(); !settled)
            return report(console, settled.error());
    return print_tally(tally, collection->slug, embedding.finish(console), console);
}

void write_document(json::Writer& w, const rag::Document& document) {
    w.begin_object();
    w.member("id", document.id).member("path", document.path).member("title", document.title);
    w.member("type", document.type).member("bytes", document.bytes).member("state", document.state);
    w.member("passages", document.passages).member("embedded", document.embedded);
    if (document.problem) w.member("problem", *document.problem);
    w.end_object();
}

Result<std::vector<rag::Document>> all_documents(rag::Collections& collections,
                                                 std::int64_t collection) {
    std::vector<rag::Document> documents;
    rag::DocumentFilter filter;
    filter.limit = 1000;
    while (true) {
        SEGUE_TRY(page, collections.documents(collection, filter));
        documents.insert(documents.end(), std::make_move_iterator(page.documents.begin()),
                         std::make_move_iterator(page.documents.end()));
        if (!page.next) return documents;
        filter.after = *page.next;
    }
}

/// "p. 3", "lines 10-14", "" for neither.
std::string place_text(const rag::Place& place) {
    if (place.page > 0) return fmt::format("page {}", place.page);
    if (place.first_line > 0 && place.last_line > place.first_line)
        return fmt::format("lines {}-{}", place.first_line, place.last_line);
    if (place.first_line > 0) return fmt::format("line {}", place.first_line);
    return {};
}

std::string marked(const Console& console, std::string_view snippet) {
    std::string out;
    while (!snippet.empty()) {
        const auto from = snippet.find('\x02');
        out += snippet.substr(0, from);
        if (from == std::string_view::npos) break;
        const auto to = snippet.find('\x03', from);
        out += console.bold(snippet.substr(
            from + 1, to == std::string_view::npos ? std::string_view::npos : to - from - 1));
        if (to == std::string_view::npos) break;
        snippet.remove_prefix(to + 1);
    }
    return out;
}

void write_hits(const rag::SearchResult& result, bool explain, Console& console) {
    console.out << json::object([&](json::Writer& w) {
        w.member("mode", rag::mode_name(result.mode));
        w.member("vector", rag::vector_use_name(result.vector)).member("total", result.total);
        w.key("hits").begin_array();
        for (const auto& hit : result.hits) {
            w.begin_object();
            w.member("passage", hit.passage).member("document", hit.document);
            w.member("collection", hit.collection).member("path", hit.path);
            w.member("title", hit.title).member("type", hit.type).member("score", hit.score);
            w.key("heading").begin_array();
            for (const auto& heading : hit.heading)
                w.string(heading);
            w.end_array();
            w.member("page", hit.place.page).member("first_line", hit.place.first_line);
            w.member("last_line", hit.place.last_line).member("text", hit.text);
            w.member("snippet", hit.snippet);
            if (explain) rag::write_explain(w, hit);
            w.end_object();
        }
        w.end_array();
    }) << '\n';
}

std::string leg_text(std::string_view name, const rag::Leg& leg) {
    if (!leg.rank) return fmt::format("{} not among its first 100", name);
    return fmt::format("{} rank {}, score {:.4f}, scaled {:.3f}", name, *leg.rank, *leg.score,
                       leg.scaled);
}

}  // namespace

int docs_add_command(const DocsArguments& arguments, Console& console) {
    return add_or_sync(arguments, console, false);
}

int docs_sync_command(const DocsArguments& arguments, Console& console) {
    return add_or_sync(arguments, console, true);
}

int docs_list_command(const DocsArguments& arguments, Console& console) {
    const auto store = serve::open_ready_store(arguments.flags, console.environment);
    if (!store) return report(console, store.error());
    rag::Collections collections((*store)->pool());
    const auto all = collections.list(kEverybody);
    if (!all) return report(console, all.error());
    std::vector<Row> rows{{"COLLECTION", "PATH", "TYPE", "STATE", "PASSAGES", "EMBEDDED", "BYTES"}};
    std::string json_text;
    json::Writer w(json_text);
    w.begin_object().key("collections").begin_array();
    std::vector<std::string> problems;
    for (const auto& collection : *all) {
        if (!arguments.all && arguments.collection != "docs" &&
            collection.slug != arguments.collection)
            continue;
        w.begin_object();
        w.member("id", collection.slug).member("name", collection.name);
        w.member("passages", collection.passages).member("embedded", collection.embedded);
        w.key("documents").begin_array();
        const auto documents = all_documents(collections, collection.id);
        if (!documents) return report(console, documents.error());
        for (const auto& document : *documents) {
            write_document(w, document);
            rows.push_back({collection.slug, document.path, document.type, document.state,
                            std::to_string(document.passages), std::to_string(document.embedded),
                            std::to_string(document.bytes)});
            if (document.problem)
                problems.push_back(fmt::format("{}: {}", document.path, *document.problem));
        }
        w.end_array().end_object();
    }
    w.end_array().end_object();
    if (console.output == Output::kJson) {
        console.out << json_text << '\n';
        return kFine;
    }
    if (rows.size() == 1) {
        console.out << "no documents yet; add some: segue docs add FILE-OR-FOLDER\n";
        return kFine;
    }
    print_table(console, rows);
    for (const auto& problem : problems)
        console.out << console.red(problem) << '\n';
    return kFine;
}

int docs_remove_command(const DocsArguments& arguments, Console& console) {
    const auto store = serve::open_ready_store(arguments.flags, console.environment);
    if (!store) return report(console, store.error());
    rag::Collections collections((*store)->pool());
    const auto collection = collections.entry(kEverybody, arguments.collection);
    if (!collection) return report(console, collection.error());
    const auto documents = all_documents(collections, collection->id);
    if (!documents) return report(console, documents.error());
    std::vector<std::int64_t> ids;
    std::vector<std::string> removed;
    for (const auto& pattern : arguments.paths) {
        const auto before = ids.size();
        for (const auto& document : *documents)
            if (glob_match(pattern, document.path) ||
                document.path.starts_with(std::string(pattern) + "/")) {
                ids.push_back(document.id);
                removed.push_back(document.path);
            }
        if (ids.size() == before)
            return report(console,
                          {Fault::kNotFound,
                           fmt::format("no document like '{}' in {}; see segue docs list -C {}",
                                       pattern, arguments.collection, arguments.collection)});
    }
    const auto count = rag::Index((*store)->pool()).remove(ids);
    if (!count) return report(console, count.error());
    if (console.output == Output::kJson)
        console.out << json::object([&](json::Writer& w) { w.member("removed", *count); }) << '\n';
    else
        for (const auto& path : removed)
            console.out << "removed " << path << '\n';
    return kFine;
}

int search_command(const SearchArguments& arguments, Console& console) {
    const auto store = serve::open_ready_store(arguments.flags, console.environment);
    if (!store) return report(console, store.error());
    auto& pool = (*store)->pool();
    rag::SearchRequest request;
    request.query = arguments.query;
    request.reader = kEverybody;
    request.collections = arguments.collections;
    request.path = arguments.path;
    request.types = arguments.types;
    request.limit = arguments.limit;
    request.mode = rag::parse_mode(arguments.mode).value_or(rag::Mode::kHybrid);
    if (const auto known = rag::Collections(pool).check_readable(kEverybody, arguments.collections);
        !known)
        return report(console, known.error());
    std::unique_ptr<rag::Embedder> embedder;
    std::string without_vectors;
    if (request.mode != rag::Mode::kKeyword) {
        const auto loaded = serve::load_config(arguments.flags, console.environment);
        auto opened = serve::open_answering_embedder(pool, loaded.config, console.environment);
        if (opened)
            embedder = std::move(*opened);
        else
            without_vectors = opened.error().detail;
    }
    const auto result = rag::Searcher(pool, embedder.get()).search(request);
    if (!result) return report(console, result.error());
    if (console.output == Output::kJson) {
        write_hits(*result, arguments.explain, console);
        return result->hits.empty() ? kNo : kFine;
    }
    if (result->vector == rag::VectorUse::kUnavailable)
        console.err << "segue: by keywords only: "
                    << (without_vectors.empty() ? "no passage has a vector of this model yet"
                                                : without_vectors)
                    << '\n';
    if (result->hits.empty()) {
        console.out << "nothing found; other words may help, or add documents: segue docs add\n";
        return kNo;
    }
    int number = 0;
    for (const auto& hit : result->hits) {
        std::string where = hit.path;
        if (const auto place = place_text(hit.place); !place.empty()) where += ", " + place;
        console.out << fmt::format(
            "{:>2}. {}  {:.3f}\n", ++number,
            console.bold(hit.heading.empty() ? hit.title : join(hit.heading, " › ")), hit.score);
        console.out << "    " << console.green(where) << "  [" << hit.collection << "]\n";
        console.out << "    " << replace_all(marked(console, hit.snippet), "\n", " ") << '\n';
        if (arguments.explain)
            console.out << fmt::format("    {}; {}; words: {}\n", leg_text("keyword", hit.keyword),
                                       leg_text("vector", hit.vector), join(hit.terms, ", "));
    }
    return kFine;
}

}  // namespace segue::cli
