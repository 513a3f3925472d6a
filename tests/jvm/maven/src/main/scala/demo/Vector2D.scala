package demo

class Vector2D(val x: Double, val y: Double) extends Serializable {
  def length: Double = Math.sqrt(x * x + y * y)
}
