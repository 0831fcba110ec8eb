#include "egress/test_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

namespace phala::egress::test {

Server::Server(Talk talk, const char* address) : talk_(std::move(talk)) {
  const bool v6 = std::string_view(address).find(':') != std::string_view::npos;
  listener_ = socket(v6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0);
  const int one = 1;
  setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  sockaddr_in6 six{};
  sockaddr_in four{};
  six.sin6_family = AF_INET6;
  four.sin_family = AF_INET;
  inet_pton(v6 ? AF_INET6 : AF_INET, address, v6 ? static_cast<void*>(&six.sin6_addr) : &four.sin_addr);
  works_ = bind(listener_, v6 ? reinterpret_cast<sockaddr*>(&six) : reinterpret_cast<sockaddr*>(&four), v6 ? sizeof six : sizeof four) == 0 && listen(listener_, 64) == 0;
  socklen_t size = v6 ? sizeof six : sizeof four;
  getsockname(listener_, v6 ? reinterpret_cast<sockaddr*>(&six) : reinterpret_cast<sockaddr*>(&four), &size);
  port = ntohs(v6 ? six.sin6_port : four.sin_port);
  acceptor_ = std::thread([this] {
    for (int peer; (peer = accept(listener_, nullptr, nullptr)) >= 0;) {
      ++connections;
      const std::lock_guard lock(mutex_);
      talkers_.emplace_back([this, peer] {
        converse(peer);
        close(peer);
      });
    }
  });
}

Server::~Server() {
  stopping = true;
  shutdown(listener_, SHUT_RDWR);
  close(listener_);
  acceptor_.join();
  for (auto& talker : talkers_) talker.join();
}

void Server::converse(int peer) {
  const timeval timeout{0, 200'000};
  setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof timeout);
  std::string text;
  char buffer[4096];
  while (!stopping) {
    const auto head = text.find("\r\n\r\n");
    if (head != text.npos) {
      const auto length = text.find("Content-Length: ");
      const size_t body = length == text.npos || length > head ? 0 : std::stoul(text.substr(length + 16));
      if (text.size() >= head + 4 + body) break;
    }
    const ssize_t n = read(peer, buffer, sizeof buffer);
    if (n == 0) return;
    if (n > 0) text.append(buffer, static_cast<size_t>(n));
  }
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(text);
  }
  talk_(peer, text);
}

bool say(int socket, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = send(socket, text.data(), text.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    text.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

std::string response(const std::string& body, const std::string& headers, const std::string& status) {
  return "HTTP/1.1 " + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n" + headers + "\r\n" + body;
}

Server::Talk always(std::string text) {
  return [text](int socket, const std::string&) { say(socket, text); };
}

std::vector<AddressRange> loopback() { return {*parse_range("127.0.0.0/8"), *parse_range("::1")}; }

std::string text_of(const engine::HttpResult& answer) {
  return answer ? std::to_string(answer->status_code) + " " + std::string(as_text(answer->body)) : std::string(engine::to_string(answer.error()));
}

}  // namespace phala::egress::test
