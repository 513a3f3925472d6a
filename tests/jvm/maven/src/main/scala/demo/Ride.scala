package demo

case class Ride(km: Int)

object Fares {
  def of(ride: Ride): Int = ride.km * 2
}
