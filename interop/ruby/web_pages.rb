# Visits resque-web without a server and prints one JSON line, {"pages":[{"path","status","body_excerpt"}]}.
#   ruby interop/ruby/web_pages.rb [--full] [--scheduler]             every page there is
#   ruby interop/ruby/web_pages.rb [--full] '{"post":"/failed/requeue/0"}' ...    just these requests
#   ... -                                                             requests from stdin, one per line
# A request is {"get":PATH}, {"post":PATH} or {"delete":PATH}, with "params":{} and "headers":{"HTTP_ORIGIN":"..."} if need be.
# A page that raises has status 500 and "error"; --full adds "body"; --scheduler adds resque-scheduler's pages.
# FAILURE_BACKEND=redis_multi_queue shows that backend's lists.
ENV["RACK_ENV"] = "test" # before Sinatra: its other environments allow some host names only
require_relative "setup"
require "resque/server"
require "rack/test"
require "erb"
require "json"

FULL = ARGV.delete("--full")
SCHEDULER = ARGV.delete("--scheduler")
require "resque/scheduler/server" if SCHEDULER

Resque::Server.set :raise_errors, true # the exception says more than a page about it
Resque::Server.set :show_exceptions, false
# Sinatra 4.1 and newer; empty means any host, such as Rack::Test's example.org.
Resque::Server.set :host_authorization, { permitted_hosts: [] }

BROWSER = Rack::Test::Session.new(Resque::Server.new)

def visit(request)
  verb = %w[post delete].find { |name| request.key?(name) } || "get"
  path = request.fetch(verb)
  BROWSER.public_send(verb, path, request.fetch("params", {}), request.fetch("headers", {}))
  page(path, BROWSER.last_response)
rescue StandardError, SyntaxError => e
  { path: path, status: 500, error: "#{e.class}: #{e.message}".scrub("?"), body_excerpt: "" }
end

def page(path, response)
  body = response.body.dup.force_encoding(Encoding::UTF_8).scrub("?")
  text = body[/<div id="main">(.*)<div id="footer">/m, 1] || body # without what is the same on every page
  result = { path: path, status: response.status, body_excerpt: text.gsub(/<[^>]*>/, " ").split.join(" ")[0, 300] }
  result[:location] = response["Location"] if response["Location"]
  result[:body] = body if FULL
  result
end

def under(path, names) = names.map { |name| "#{path}/#{ERB::Util.url_encode(name.to_s)}" }

# Read straight from Redis: one bad worker id makes Resque.workers raise, and the other pages are still to be seen.
def every_path
  workers = Resque.redis.smembers("workers").sort
  ["/overview", "/working", "/workers", *under("/workers", workers), *under("/working", workers),
   "/queues", *under("/queues", Resque.queues.sort),
   "/failed", *under("/failed", Resque::Failure.queues.sort),
   "/stats/resque", "/stats/redis", "/stats/keys", *under("/stats/keys", Resque.keys.sort),
   "/stats.txt", "/overview.poll", "/workers.poll",
   *scheduler_paths]
end

def scheduler_paths
  return [] unless SCHEDULER

  ["/schedule", "/delayed", *under("/delayed", Resque.redis.zrange("delayed_queue_schedule", 0, -1))]
end

asked = ARGV.flat_map { |argument| argument == "-" ? $stdin.readlines : [argument] }.map { |text| JSON.parse(text) }
asked = every_path.map { |path| { "get" => path } } if ARGV.empty?
puts JSON.generate(pages: asked.map { |request| visit(request) })
