ActiveRecord::Schema[8.0].define(version: 2026_11_24_120000) do
  create_table "users", force: :cascade do |t|
    t.string "name", null: false
    t.string "greeting"
    t.datetime "greeted_for"
    t.datetime "created_at", null: false
    t.datetime "updated_at", null: false
  end
end
