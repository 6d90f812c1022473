#include "rag/eval/evaluation.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <ostream>

#include "base/json.hpp"
#include "cli/rag_commands.hpp"
#include "rag/search/index.hpp"
#include "serve/embedding.hpp"
#include "serve/store_house.hpp"

namespace segue::cli {
namespace {

using rag::eval::Measured;
using rag::eval::Report;

std::atomic<bool> stopped{false};

/// Control-C ends the work between two pieces, so that the scratch schema is dropped.
void stop_on_signals() {
    struct sigaction action {};
    action.sa_handler = [](int) { stopped = true; };
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

std::string cell(const Measured& measured) {
    return fmt::format("{:.4f} [{:.3f}, {:.3f}]", measured.value, measured.interval.low,
                       measured.interval.high);
}

void write_interval(json::Writer& w, std::string_view name, const rag::eval::Interval& interval) {
    w.key(name).begin_array().number(interval.low).number(interval.high).end_array();
}

void write_json(const rag::eval::Dataset& dataset, const Report& report,
                const std::vector<rag::eval::Difference>& differences,
                const RagEvalArguments& arguments, Console& console) {
    console.out << json::object([&](json::Writer& w) {
        w.member("dataset", dataset.name).member("documents", dataset.documents.size());
        w.member("questions", dataset.questions.size());
        if (report.model.empty())
            w.member("vector", "unavailable").member("reason", report.without_vector);
        else
            w.member("vector", "used").member("model", report.model);
        w.member("index_s", report.index_seconds);
        w.member("embedding_s", report.embedding_seconds);
        w.key("runs").begin_array();
        for (const auto& run : report.runs) {
            w.begin_object();
            w.member("name", run.name).member("ndcg@10", run.ndcg10.value);
            w.member("recall@100", run.recall100.value).member("mrr@10", run.mrr10.value);
            w.member("p50_ms", run.p50_ms).member("p95_ms", run.p95_ms);
            w.member("embedding_p50_ms", run.embedding_p50_ms);
            write_interval(w, "ndcg@10_interval", run.ndcg10.interval);
            write_interval(w, "recall@100_interval", run.recall100.interval);
            write_interval(w, "mrr@10_interval", run.mrr10.interval);
            w.end_object();
        }
        w.end_array();
        if (!differences.empty()) {
            w.key("comparison").begin_object();
            w.member("first", arguments.compare[0]).member("second", arguments.compare[1]);
            for (const auto& difference : differences) {
                w.key(difference.metric).begin_object();
                w.member("difference", difference.mean).member("p", difference.p);
                write_interval(w, "interval", difference.interval);
                w.end_object();
            }
            w.end_object();
        }
    }) << '\n';
}

void write_text(const rag::eval::Dataset& dataset, const Report& report,
                const std::vector<rag::eval::Difference>& differences,
                const RagEvalArguments& arguments, Console& console) {
    console.out << fmt::format(
        "{}: {} documents, {} questions, {} judgements{}\n", dataset.name, dataset.documents.size(),
        dataset.questions.size(), dataset.judgements,
        dataset.unjudged == 0 ? ""
                              : fmt::format(" ({} questions without a relevant document are "
                                            "left out)",
                                            dataset.unjudged));
    console.out << fmt::format("found by keyword after {:.1f} s; ", report.index_seconds);
    if (report.model.empty())
        console.out << fmt::format("no vectors: {}\n\n", report.without_vector);
    else
        console.out << fmt::format("embedded by {} after {:.1f} s more\n\n", report.model,
                                   report.embedding_seconds);
    std::vector<Row> rows{{"RUN", "NDCG@10 [95 %]", "RECALL@100 [95 %]", "MRR@10 [95 %]", "P50 MS",
                           "P95 MS", "EMBEDDING MS"}};
    for (const auto& run : report.runs)
        rows.push_back({run.name, cell(run.ndcg10), cell(run.recall100), cell(run.mrr10),
                        fmt::format("{:.1f}", run.p50_ms), fmt::format("{:.1f}", run.p95_ms),
                        fmt::format("{:.1f}", run.embedding_p50_ms)});
    print_table(console, rows);
    if (differences.empty()) return;
    console.out << fmt::format("\n{} against {}, question by question:\n", arguments.compare[1],
                               arguments.compare[0]);
    for (const auto& difference : differences)
        console.out << fmt::format("  {:<11} {:+.4f}  [{:+.4f}, {:+.4f}]  p = {:.4f}\n",
                                   difference.metric, difference.mean, difference.interval.low,
                                   difference.interval.high, difference.p);
}

Result<std::vector<rag::eval::Setting>> settings_of(const RagEvalArguments& arguments) {
    std::vector<std::string> names = arguments.runs;
    for (const auto& name : arguments.compare)
        if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    if (names.empty()) names = {"keyword", "vector", "hybrid"};
    std::vector<rag::eval::Setting> settings;
    for (const auto& name : names) {
        SEGUE_TRY(setting, rag::eval::parse_setting(name));
        settings.push_back(std::move(setting));
    }
    return settings;
}

}  // namespace

int rag_eval_command(const RagEvalArguments& arguments, Console& console) {
    auto settings = settings_of(arguments);
    if (!settings) return report(console, settings.error());
    const auto dataset = rag::eval::read_dataset(arguments.dataset);
    if (!dataset) return report(console, dataset.error());
    const auto store = serve::open_ready_store(arguments.flags, console.environment);
    if (!store) return report(console, store.error());
    stop_on_signals();
    rag::eval::EvaluationOptions options;
    options.endpoint = [&] { return (*store)->endpoint(); };
    options.settings = std::move(*settings);
    options.language = arguments.language;
    options.cancelled = [] { return stopped.load(); };
    const bool live = isatty(STDERR_FILENO) == 1;
    if (live) options.progress = [&](std::string_view line) { console.err << "\r\x1b[K" << line; };
    const auto loaded = serve::load_config(arguments.flags, console.environment);
    const auto embedder = serve::open_embedder(loaded.config, console.environment);
    if (embedder)
        options.embedder = embedder->get();
    else
        options.without_embedder = embedder.error().detail;
    const auto measured = rag::eval::evaluate(*dataset, options);
    if (live) console.err << "\r\x1b[K";
    if (!measured) return report(console, measured.error());
    std::vector<rag::eval::Difference> differences;
    if (arguments.compare.size() == 2) {
        const auto find = [&](const std::string& name) {
            return std::find_if(measured->runs.begin(), measured->runs.end(),
                                [&](const auto& run) { return run.name == name; });
        };
        const auto first = find(arguments.compare[0]);
        const auto second = find(arguments.compare[1]);
        if (first != measured->runs.end() && second != measured->runs.end())
            differences = rag::eval::compare(*first, *second);
    }
    (console.output == Output::kJson ? write_json : write_text)(*dataset, *measured, differences,
                                                                arguments, console);
    return kFine;
}

int rag_check_command(const DocsArguments& arguments, Console& console) {
    const auto store = serve::open_ready_store(arguments.flags, console.environment);
    if (!store) return report(console, store.error());
    rag::Index index((*store)->pool());
    const auto difference = index.check();
    if (!difference) return report(console, difference.error());
    const bool good = difference->empty();
    if (!good)
        if (const auto rebuilt = index.rebuild(); !rebuilt) return report(console, rebuilt.error());
    if (console.output == Output::kJson)
        console.out << json::object([&](json::Writer& w) {
            w.member("agrees", good).member("difference", *difference).member("rebuilt", !good);
        }) << '\n';
    else
        console.out << (good ? std::string("the index agrees with the passages\n")
                             : fmt::format("{}; the index was made anew\n", *difference));
    return good ? kFine : kNo;
}

}  // namespace segue::cli
