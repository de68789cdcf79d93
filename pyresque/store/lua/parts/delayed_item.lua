-- Put in front of move_due.lua, behind json.lua: reading a delayed item without decoding and encoding it.

-- Class, arguments (as text) and queue of an item just as Ruby writes it; nothing if it is any other.
local function canonical(item)
  local class, args, queue = item:match('^{"class":"([^"\\:%-][^"\\%-]*)","args":(%[.*%]),"queue":"([^"\\]+)"}$')
  if class and is_text(item) and bones_of(args) then return class, args, queue end
end
