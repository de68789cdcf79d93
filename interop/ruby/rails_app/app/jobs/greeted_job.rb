class GreetedJob < ApplicationJob
  queue_as :ruby

  def perform(user, greeting, at: nil)
    user.update!(greeting: greeting, greeted_for: at)
  end
end
