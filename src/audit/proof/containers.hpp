/// Containers, images, volumes and networks of this machine that are Ollama's, asked from the
/// container engine over its socket (the Docker Engine API, which Podman speaks too). Reads only.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"

namespace segue::audit {

struct ContainerFacts {
    std::string engine;                    // "Docker 27.1" or "Podman Engine 4.3"
    std::vector<std::string> found;        // what is Ollama's, one a line
    std::vector<std::string> environment;  // containers whose environment names it
    std::size_t containers = 0;            // looked at, running or not
};

/// kNotFound: no such socket; kIo: no right to use it.
Result<ContainerFacts> look_at_containers(const std::string& socket);

/// Where container engines listen: `given` alone if it is named, else DOCKER_HOST and the usual
/// places of this user.
std::vector<std::string> container_sockets(const std::string& given, const std::string& docker_host,
                                           const std::string& runtime_dir);

}  // namespace segue::audit
