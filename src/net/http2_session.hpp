/// Makes the nghttp2 session of a connection, with its callbacks and our SETTINGS queued.
#pragma once

struct nghttp2_session;

namespace segue::net {

class Http2Connection;

nghttp2_session* open_http2_session(Http2Connection& connection);

}  // namespace segue::net
