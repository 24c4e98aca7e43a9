import java.io.IOException;
import java.io.PrintWriter;
import org.HdrHistogram.EncodableHistogram;
import org.HdrHistogram.Histogram;
import org.HdrHistogram.HistogramIterationValue;
import org.HdrHistogram.HistogramLogReader;

/** Reads a .hlog file with HdrHistogram's own library, and writes what it found there as CSV. */
class ReadHlog {
  /** Takes the log, and where to write its intervals and its filled buckets. */
  public static void main(String[] paths) throws IOException {
    try (HistogramLogReader log = new HistogramLogReader(paths[0]);
         PrintWriter intervals = new PrintWriter(paths[1]);
         PrintWriter buckets = new PrintWriter(paths[2])) {
      intervals.print("metric,start_ms,length_ms,count\n");
      buckets.print("metric,lowest_ns,highest_ns,count\n");
      EncodableHistogram next;
      while ((next = log.nextIntervalHistogram()) != null) {
        Histogram histogram = (Histogram) next;
        long length = histogram.getEndTimeStamp() - histogram.getStartTimeStamp();
        intervals.printf("%s,%d,%d,%d\n", histogram.getTag(), histogram.getStartTimeStamp(), length,
            histogram.getTotalCount());
        for (HistogramIterationValue bucket : histogram.recordedValues()) {
          buckets.printf("%s,%d,%d,%d\n", histogram.getTag(),
              histogram.lowestEquivalentValue(bucket.getValueIteratedTo()),
              histogram.highestEquivalentValue(bucket.getValueIteratedTo()),
              bucket.getCountAtValueIteratedTo());
        }
      }
    }
  }
}
