Resque.redis = ENV.fetch("REDIS_URL", "redis://localhost:6379/0")
