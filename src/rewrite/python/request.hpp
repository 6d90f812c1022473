/// A native request in Python: keyword arguments of a client's call, or a dictionary that becomes
/// the JSON body. Edits it into OpenAI's request; the attempt fails when it cannot.
#pragma once

#include "rewrite/python/python.hpp"

namespace segue::rewrite::python {

/// What the package did with an image by itself.
inline constexpr std::string_view kImageUrl = R"(def image_url(image):
    """An image as OpenAI's API wants it: from bytes, a path, or base64."""
    if not isinstance(image, bytes) and os.path.isfile(image):
        with open(image, "rb") as file:
            image = file.read()
    if isinstance(image, bytes):
        image = base64.b64encode(image).decode()
    return f"data:image/jpeg;base64,{image}"
)";

class Request : AttemptPart {
public:
    explicit Request(Attempt& attempt) : AttemptPart(attempt) {}

    /// `client.chat(model, messages, options={…})`
    bool call(Node arguments, Endpoint endpoint);
    /// `{"model": …, "messages": …, "options": {…}}`
    bool body(Node dictionary, Endpoint endpoint, bool must_stream);

    /// dual: `model=…` goes through this function.
    void model_through(std::string function) { model_through_ = std::move(function); }
    bool streams() const { return streams_; }
    /// What was written calls image_url(): kImageUrl.
    bool needs_image_url() const { return needs_image_url_; }

private:
    struct Part {
        Node whole;
        std::string name;
        Node value;
        bool positional = false;
    };
    bool parts(std::vector<Part>& parts, Endpoint endpoint, bool as_call, bool must_stream);
    bool options(Node value, std::vector<std::string>& plain, std::vector<std::string>& extra,
                 bool as_call);
    std::string pair(std::string_view name, std::string_view value, bool as_call) const;
    void replace(const Part& part, const std::vector<std::string>& texts);
    Node resolve(Node value) const;
    bool holds_functions(Node tools) const;
    bool messages(Node value, bool as_call);
    std::string parts_with(std::string_view text, std::string_view images) const;
    std::string image_parts(Node images, bool as_call);

    bool streams_ = false;
    bool needs_image_url_ = false;
    std::string model_through_;
    char quote_ = '"';
};

}  // namespace segue::rewrite::python
