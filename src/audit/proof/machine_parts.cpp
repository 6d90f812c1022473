// What runs: processes, their environment, containers, Kubernetes, and the check while Ollama is
// off: SEG206 to SEG209, SEG211.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "audit/proof/part.hpp"
#include "audit/proof/probes.hpp"
#include "audit/text/vocabulary.hpp"
#include "audit/walk/git.hpp"
#include "base/text.hpp"

namespace segue::audit {

using evidence::Part;
using evidence::Standing;

Part processes_part(const Machine& machine, const ProofOptions& options) {
    Part out = make_part(
        "SEG206", "processes and units",
        "sudo segue audit --prove, or: pgrep -af ollama; systemctl list-unit-files '*ollama*'");
    std::vector<std::string> unread = machine.unread_processes;
    std::vector<std::string> bad;
    for (const auto& process : machine.processes)
        if (is_ollama(process)) bad.push_back("process " + process.label());
    auto timetable = options.host.timetable(unread);
    bad.insert(bad.end(), timetable.active.begin(), timetable.active.end());
    for (const auto& left : timetable.left)
        out.seen.push_back("left over, not started by anything: " + left);
    conclude(out, std::move(bad), std::move(unread),
             fmt::format("none of {} processes is Ollama's, and no unit, timer, cron line or "
                         "autostart starts it",
                         machine.processes.size()),
             "things run or start Ollama");
    return out;
}

Part environment_part(const Machine& machine, const ProofOptions&) {
    Part out = make_part("SEG207", "environment of what runs",
                         "sudo segue audit --prove, or: sudo grep -lz OLLAMA /proc/[0-9]*/environ");
    std::vector<std::string> bad;
    std::size_t unread = 0;
    std::size_t read = 0;
    for (const auto& process : machine.processes) {
        if (is_segue(process)) continue;
        if (!process.environment_read) {
            ++unread;
            continue;
        }
        ++read;
        std::string names;
        for (const auto& name : process.environment)
            if (has_word(name)) names += (names.empty() ? "" : ", ") + name;
        if (!names.empty()) bad.push_back(fmt::format("process {}: {}", process.label(), names));
    }
    std::vector<std::string> missing = machine.unread_processes;
    if (unread > 0)
        missing.push_back(fmt::format("the environment of {} processes of other users", unread));
    if (machine.containers)
        bad.insert(bad.end(), machine.containers->environment.begin(),
                   machine.containers->environment.end());
    else if (!machine.containers_none)
        missing.push_back("containers (" + machine.containers_why + ")");
    conclude(out, std::move(bad), std::move(missing),
             fmt::format("none of {} processes{} has a variable of Ollama's", read,
                         machine.containers
                             ? fmt::format(" and {} containers", machine.containers->containers)
                             : ""),
             "processes and containers have its variables");
    return out;
}

Part containers_part(const Machine& machine, const ProofOptions&) {
    Part out =
        make_part("SEG208", "containers, images, volumes, networks",
                  "docker ps -a; docker images; docker volume ls; docker network ls (or podman)");
    if (machine.containers_none) {
        out.standing = Standing::kClean;
        out.says = "there is no container engine here: no socket of one, and no process";
        return out;
    }
    if (!machine.containers) {
        out.says = machine.containers_why;
        return out;
    }
    conclude(out, machine.containers->found, {},
             fmt::format("nothing of Ollama's at {} with {} containers", machine.containers->engine,
                         machine.containers->containers),
             fmt::format("things of Ollama's at {}", machine.containers->engine));
    return out;
}

namespace {

void collect_images(json::Value value, std::vector<std::string>& out) {
    for (const auto member : value) {
        if (value.is_object() && member.key() == "image" && member.is_string() &&
            has_word(member.string()))
            out.emplace_back(member.string());
        if (member.is_object() || member.is_array()) collect_images(member, out);
    }
}

}  // namespace

Part kubernetes_part(const ProofOptions&) {
    Part out =
        make_part("SEG209", "Kubernetes",
                  "kubectl get pods,deploy,sts,ds,svc,pvc,cm -A | grep -i ollama; helm list -A | "
                  "grep -i ollama");
    const auto context = output_of({"kubectl", "config", "current-context"});
    if (!context) {
        out.says = "there is no kubectl with a current context here";
        return out;
    }
    const std::string where(trim(*context));
    const auto listed = output_of(
        {"kubectl", "--request-timeout=10s", "get",
         "pods,deployments,statefulsets,daemonsets,services,persistentvolumeclaims,configmaps",
         "--all-namespaces", "-o", "json"});
    json::Parser parser;
    const auto root = listed ? parser.parse(*listed) : parser.parse("");
    if (!root || !(*root)["items"].is_array()) {
        out.says = fmt::format("kubectl could not list everything in context {}", where);
        return out;
    }
    std::vector<std::string> bad;
    for (const auto item : (*root)["items"]) {
        const auto name = item["metadata"]["name"].string();
        const std::string what = fmt::format("{} {}/{}", item["kind"].string(),
                                             item["metadata"]["namespace"].string(), name);
        std::vector<std::string> images;
        collect_images(item["spec"], images);
        bool label = false;
        for (const auto one : item["metadata"]["labels"])
            label = label || has_word(one.string());
        for (const auto one : item["data"])
            label = label || has_word(one.key());
        if (!images.empty())
            bad.push_back(fmt::format("{} runs {}", what, images.front()));
        else if (has_word(name) || label)
            bad.push_back(what);
    }
    conclude(out, std::move(bad), {},
             fmt::format("none of {} objects in context {}", (*root)["items"].size(), where),
             fmt::format("objects in context {}", where));
    return out;
}

namespace {

/// Its output is the check's own business; whether it passed is what counts.
bool check_passes(const std::string& folder, const std::string& check) {
    return output_of({"/bin/sh", "-c",
                      fmt::format("cd '{}' && ({}) >/dev/null 2>&1",
                                  replace_all(folder, "'", "'\\''"), check)})
        .has_value();
}

/// Looked at anew: what was seen before the check says nothing of now.
bool runs_again(const Machine& machine, const ProofOptions& options) {
    Machine now = machine;
    std::vector<std::string> unread;
    now.processes = options.host.processes(unread);
    now.sockets = options.host.sockets(now.processes, unread);
    return std::any_of(now.processes.begin(), now.processes.end(), is_ollama) ||
           listeners_part(now, options).standing == Standing::kNotClean;
}

}  // namespace

Part off_switch_part(const Report& report, const Machine& machine, const ProofOptions& options,
                     bool off) {
    Part out = make_part("SEG211", "off switch",
                         "stop Ollama, then: segue audit --prove --check 'make test'");
    if (options.check.empty()) {
        out.says = "no check command was named (--check)";
        return out;
    }
    if (!off) {
        out.says = "Ollama still runs or listens here (SEG204, SEG206): stop it first";
        return out;
    }
    const auto begin = std::chrono::steady_clock::now();
    const auto passed = [&] { return std::chrono::steady_clock::now() - begin; };
    const auto seconds = [&] {
        return std::chrono::duration_cast<std::chrono::seconds>(passed()).count();
    };
    out.standing = Standing::kNotClean;
    int looks = 0;
    const bool asks = options.gateway_named || machine.usage.has_value();
    std::string answered = "no gateway was named, so no question was asked";
    for (int round = 0;; ++round) {
        if (!check_passes(report.root, options.check)) {
            out.says = fmt::format("'{}' failed with Ollama off ({} s)", options.check, seconds());
            return out;
        }
        if (asks) {
            const auto questions = ask_questions(options);
            if (!questions) {
                out.says = fmt::format(
                    "'{}' passed, but the gateway did not answer a question with "
                    "Ollama off ({} s): {}",
                    options.check, seconds(), questions.error().detail);
                return out;
            }
            answered = *questions;
        }
        // At the window's end it runs once more: what was kept warm is cold by then.
        while (true) {
            ++looks;
            if (runs_again(machine, options)) {
                out.says = fmt::format("'{}' passed, but Ollama runs again ({} s)", options.check,
                                       seconds());
                return out;
            }
            if (round > 0 || passed() >= options.off_for) break;
            std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(
                options.sample, options.off_for - passed()));
        }
        if (round > 0 || options.off_for.count() == 0) break;
    }
    out.standing = Standing::kClean;
    out.says = fmt::format("'{}' passed {} with Ollama off for {} s, looked at {} times; {}",
                           options.check, options.off_for.count() == 0 ? "once" : "twice",
                           seconds(), looks, answered);
    return out;
}

}  // namespace segue::audit
