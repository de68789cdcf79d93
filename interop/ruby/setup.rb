# Connects Resque as the environment says; every script of this folder starts with it.
#   REDIS_URL         redis://host:port/db (Resque's own "host:port/namespace" will not do: the redis gem 4
#                     reads this variable too, whatever else it is given, and knows URLs only)
#   RESQUE_NAMESPACE  replaces Resque's own namespace, "resque"
#   FAILURE_BACKEND   redis or redis_multi_queue as Resque knows them; "multiple" is both, in this order
#   MULTI_JSON        json_gem or oj, the library that writes payloads; else multi_json's own choice
require "resque"

Resque.redis = ENV.fetch("REDIS_URL", "redis://localhost:6379/0")
# Through the object, not the text: a redis:// URL has no place for a namespace.
Resque.redis.namespace = ENV["RESQUE_NAMESPACE"] if ENV["RESQUE_NAMESPACE"]

MultiJson.use(ENV["MULTI_JSON"].to_sym) if ENV["MULTI_JSON"]

if ENV["FAILURE_BACKEND"] == "multiple"
  %w[multiple redis redis_multi_queue].each { |name| require "resque/failure/#{name}" }
  Resque::Failure::Multiple.configure do |several|
    several.classes = [Resque::Failure::Redis, Resque::Failure::RedisMultiQueue]
  end
end
