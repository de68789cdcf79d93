class CreateUsers < ActiveRecord::Migration[8.0]
  def change
    create_table :users do |t|
      t.string :name, null: false
      t.string :greeting
      t.datetime :greeted_for
      t.timestamps
    end
  end
end
