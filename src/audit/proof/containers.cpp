#include "audit/proof/containers.hpp"

#include <fmt/format.h>

#include "audit/text/vocabulary.hpp"
#include "base/json.hpp"
#include "base/text.hpp"
#include "net/local_fetch.hpp"

namespace segue::audit {
namespace {

// The oldest that both Docker of today and Podman 4 answer.
constexpr std::string_view kVersion = "/v1.40";

class Asker {
public:
    explicit Asker(const std::string& socket) : socket_(socket) {}

    /// The parsed answer; valid until the next question.
    Result<json::Value> ask(const std::string& path) {
        SEGUE_TRY(answer, net::fetch(net::LocalFetch{socket_, path}));
        if (answer.status != 200)
            return fail(
                answer.status == 403 || answer.status == 401 ? Fault::kIo : Fault::kUnreachable,
                fmt::format("{} answered {} to {}", socket_, answer.status, path));
        auto root = parser_.parse(answer.body);
        if (!root)
            return fail(Fault::kUnreachable,
                        fmt::format("{} answered {} without JSON", socket_, path));
        return *root;
    }

private:
    std::string socket_;
    json::Parser parser_;
};

std::string versioned(std::string_view path) {
    return std::string(kVersion) + std::string(path);
}

}  // namespace

Result<ContainerFacts> look_at_containers(const std::string& socket) {
    Asker asker(socket);
    ContainerFacts facts;
    {
        SEGUE_TRY(version, asker.ask("/version"));
        const auto first = version["Components"].at(0);
        facts.engine =
            fmt::format("{} {}", first ? first["Name"].string("container engine") : "Docker",
                        version["Version"].string("?"));
    }
    struct Seen {
        std::string id;
        std::string name;
    };
    std::vector<Seen> seen;
    {
        SEGUE_TRY(containers, asker.ask(versioned("/containers/json?all=1")));
        for (const auto container : containers) {
            ++facts.containers;
            std::string name(container["Names"].at(0).string());
            if (name.starts_with('/')) name.erase(0, 1);
            const auto image = container["Image"].string();
            const auto labels = container["Labels"];
            const auto project = labels["com.docker.compose.project"].string();
            const auto service = labels["com.docker.compose.service"].string();
            seen.push_back({std::string(container["Id"].string()), name});
            if (has_word(name) || has_word(image) || has_word(project) || has_word(service) ||
                has_word(container["Command"].string()))
                facts.found.push_back(fmt::format(
                    "container {} of {} ({}{})", name, image, container["State"].string("?"),
                    project.empty() ? "" : fmt::format(", compose project {}", project)));
        }
    }
    for (const auto& one : seen) {
        // Gone since the list: nothing to say of it.
        const auto details = asker.ask(versioned("/containers/" + one.id + "/json"));
        if (!details) continue;
        std::string names;
        for (const auto variable : (*details)["Config"]["Env"]) {
            const auto text = variable.string();
            const auto name = text.substr(0, text.find('='));
            if (has_word(name)) names += (names.empty() ? "" : ", ") + std::string(name);
        }
        const auto restart = (*details)["HostConfig"]["RestartPolicy"]["Name"].string();
        if (!names.empty())
            facts.environment.push_back(fmt::format("container {}: {}", one.name, names));
        if (!restart.empty() && restart != "no")
            for (auto& line : facts.found)
                if (line.starts_with("container " + one.name + " "))
                    line += fmt::format(", restarts: {}", restart);
    }
    {
        SEGUE_TRY(images, asker.ask(versioned("/images/json")));
        for (const auto image : images)
            for (const auto tag : image["RepoTags"])
                if (has_word(tag.string()))
                    facts.found.push_back(fmt::format("image {}", tag.string()));
    }
    {
        SEGUE_TRY(volumes, asker.ask(versioned("/volumes")));
        for (const auto volume : volumes["Volumes"])
            if (has_word(volume["Name"].string()))
                facts.found.push_back(fmt::format("volume {}", volume["Name"].string()));
    }
    {
        SEGUE_TRY(networks, asker.ask(versioned("/networks")));
        for (const auto network : networks)
            if (has_word(network["Name"].string()))
                facts.found.push_back(fmt::format("network {}", network["Name"].string()));
    }
    return facts;
}

std::vector<std::string> container_sockets(const std::string& given, const std::string& docker_host,
                                           const std::string& runtime_dir) {
    constexpr std::string_view kScheme = "unix://";
    const auto path = [&](std::string_view text) {
        return std::string(text.starts_with(kScheme) ? text.substr(kScheme.size()) : text);
    };
    if (!given.empty()) return {path(given)};
    std::vector<std::string> out;
    if (docker_host.starts_with(kScheme)) out.push_back(path(docker_host));
    out.insert(out.end(), {"/var/run/docker.sock", "/run/podman/podman.sock"});
    if (!runtime_dir.empty()) {
        out.push_back(runtime_dir + "/podman/podman.sock");
        out.push_back(runtime_dir + "/docker.sock");
    }
    return out;
}

}  // namespace segue::audit
