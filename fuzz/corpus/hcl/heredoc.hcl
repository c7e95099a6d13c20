a = <<-EOF
    one
      two
    EOF
b = <<X

X
c = "${f("y", {z})}\n\u00e9\101"
