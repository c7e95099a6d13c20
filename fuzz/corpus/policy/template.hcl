path "kv/{{identity.entity.id}}/+" { capabilities = ["read"] }
